output "name" {
  description = "Its name, once it is there: also that of its Cloud Run service, on which its callers are granted run.invoker."
  value       = var.name

  depends_on = [google_cloudfunctions2_function.this, google_cloud_run_v2_service.this]
}

output "member" {
  description = "Its account as a member of an IAM policy."
  value       = module.account.member
}

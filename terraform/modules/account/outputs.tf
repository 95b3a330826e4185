# Written out, not read from the account: so a plan shows who gets what before anybody exists.
output "email" {
  description = "Its email address, once it is there and can be used."
  value       = local.email

  depends_on = [google_service_account.this, time_sleep.propagation]
}

output "member" {
  description = "It as a member of an IAM policy."
  value       = "serviceAccount:${local.email}"

  depends_on = [google_service_account.this]
}

output "name" {
  description = "Its resource name: projects/P/serviceAccounts/E."
  value       = "projects/${var.project_id}/serviceAccounts/${local.email}"

  depends_on = [google_service_account.this, time_sleep.propagation]
}

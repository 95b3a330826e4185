output "project_id" {
  description = "The project, once its APIs are enabled and Google's agents can work. Take it from here and you wait for that."
  value       = var.project_id

  depends_on = [google_project_service.this, google_project_service_identity.this, time_sleep.propagation]
}

output "name" {
  description = "The workflow's name, once it is there."
  value       = var.name

  depends_on = [google_workflows_workflow.this]
}

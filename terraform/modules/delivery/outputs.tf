output "builder" {
  description = "Name (projects/P/serviceAccounts/E) of the account that builds, once its roles hold."
  value       = module.builder.name

  depends_on = [time_sleep.propagation]
}

output "repository" {
  description = "Name of the repository of images: projects/P/locations/L/repositories/R."
  value       = "projects/${var.project_id}/locations/${var.region}/repositories/${local.repository}"

  depends_on = [google_artifact_registry_repository.images]
}

output "image_prefix" {
  description = "What an image's name begins with."
  value       = "${var.region}-docker.pkg.dev/${var.project_id}/${local.repository}"

  depends_on = [google_artifact_registry_repository.images]
}

output "sources" {
  description = "The bucket of bundles."
  value       = google_storage_bucket.sources.name
}

mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id     = "orderflow-test"
  project_number = "123456789012"
  region         = "us-central1"
  protect        = true
}

run "the_builder_can_only_build" {
  command = plan

  assert {
    condition     = google_project_iam_member.builder_logs.role == "roles/logging.logWriter"
    error_message = "Writing logs is the one thing a builder may do everywhere."
  }
  assert {
    condition     = strcontains(google_project_iam_member.builder_reads_copies.condition[0].expression, "gcf-v2-sources-123456789012-us-central1")
    error_message = "Reading is granted on the project only for the bucket that Cloud Functions builds from."
  }
  assert {
    condition     = google_artifact_registry_repository_iam_member.builder_pushes.role == "roles/artifactregistry.writer"
    error_message = "The builder must push images, and not delete them."
  }
}

run "nothing_is_public_or_lost" {
  command = plan

  assert {
    condition = alltrue([
      google_storage_bucket.sources.public_access_prevention == "enforced",
      google_storage_bucket.sources.uniform_bucket_level_access,
      google_storage_bucket.sources.versioning[0].enabled,
      !google_storage_bucket.sources.force_destroy,
    ])
    error_message = "Bundles are private, kept when replaced, and not destroyed with their bucket in production."
  }
}

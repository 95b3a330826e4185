locals {
  repository = "orderflow"
}

# The images that Google's buildpacks make of the bundles.
resource "google_artifact_registry_repository" "images" {
  project       = var.project_id
  location      = var.region
  repository_id = local.repository
  format        = "DOCKER"
  description   = "Images of functions and services, built from their bundles."

  cleanup_policies {
    id     = "old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
  # Stronger than the other: what runs, and what one can go back to, stays however old it is.
  cleanup_policies {
    id     = "recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
}

# The bundles, each named by its hash. A bundle that was replaced is kept for a while, to go back to.
resource "google_storage_bucket" "sources" {
  project                     = var.project_id
  name                        = "${var.project_id}-sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  versioning {
    enabled = true
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
    }
  }
}

# Since July 2024 a new project builds as the default compute account, which has no role that a build needs
# (terraform-google-cloud-functions #129), or far too many. This one can do nothing but build.
module "builder" {
  source = "../account"

  project_id = var.project_id
  name       = "builder"
  purpose    = "Builds functions and services"
  deployer   = var.deployer
}

resource "google_project_iam_member" "builder_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = module.builder.member
}

resource "google_artifact_registry_repository_iam_member" "builder_pushes" {
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.repository_id
  role       = "roles/artifactregistry.writer"
  member     = module.builder.member
}

resource "google_storage_bucket_iam_member" "builder_reads" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = module.builder.member
}

# Cloud Functions copies a bundle to a bucket of its own and builds from there: "Access to bucket gcf-v2-sources-… denied.
# You must grant Storage Object Viewer permission" (terraform-provider-google #20571). The first deployment makes that bucket,
# so a grant on it comes too late; one on the project that holds for that bucket alone does not.
resource "google_project_iam_member" "builder_reads_copies" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = module.builder.member

  condition {
    title       = "copies-of-bundles"
    description = "Only the bucket that Cloud Functions builds from."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${var.project_number}-${var.region}\")"
  }
}

# A build right after its grants fails as often as not (terraform-provider-google #20571).
resource "time_sleep" "propagation" {
  create_duration = "60s"

  depends_on = [
    google_project_iam_member.builder_logs,
    google_artifact_registry_repository_iam_member.builder_pushes,
    google_storage_bucket_iam_member.builder_reads,
    google_project_iam_member.builder_reads_copies,
  ]
}

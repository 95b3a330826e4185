resource "google_cloudfunctions2_function" "this" {
  count = local.function ? 1 : 0

  project     = var.project_id
  location    = var.region
  name        = var.name
  description = var.summary

  build_config {
    runtime           = "go126"
    entry_point       = var.name
    service_account   = var.delivery.builder
    docker_repository = var.delivery.repository
    source {
      storage_source {
        bucket = google_storage_bucket_object.bundle.bucket
        object = google_storage_bucket_object.bundle.name
      }
    }
  }

  service_config {
    available_cpu                    = tostring(var.cpu)
    available_memory                 = var.memory
    timeout_seconds                  = var.timeout_seconds
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    service_account_email            = module.account.email
    environment_variables            = local.env

    # The provider's default is everybody. Pub/Sub, Eventarc, Cloud Scheduler and Workflows count as internal at a run.app
    # address of their own project (cloud.google.com/run/docs/securing/ingress); the gateway and other units do not.
    ingress_settings = var.internal ? "ALLOW_INTERNAL_ONLY" : "ALLOW_ALL"

    # There is no way to send a function a part of the traffic: the platform takes a new revision only if it starts.
    all_traffic_on_latest_revision = true

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }

  # There is no event_trigger: what Eventarc would make of it drops events after a day and cannot have a dead letter. Modules
  # subscription and uploads bring the events.

  depends_on = [
    google_project_iam_member.logs,
    google_project_iam_member.databases,
    google_storage_bucket_iam_member.buckets,
    google_pubsub_topic_iam_member.publishes,
    google_project_iam_member.starts,
    google_secret_manager_secret_iam_member.reads,
  ]
}

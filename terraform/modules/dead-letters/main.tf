locals {
  topic = "dead-letters" # event.DeadLetterTopic
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  keep  = "2678400s" # 31 days, the longest there is
}

# It has no schema: what comes here may be what fits none.
resource "google_pubsub_topic" "this" {
  project                    = var.project_id
  name                       = local.topic
  message_retention_duration = local.keep
}

# One half of giving up on a message; the other is on each subscription.
resource "google_pubsub_topic_iam_member" "gives_up" {
  project = var.project_id
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = local.agent
}

module "pusher" {
  source = "../account"

  project_id = var.project_id
  name       = "push-${var.unit}"
  purpose    = "Pushes dead letters to ${var.unit}"
  deployer   = var.deployer
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  project  = var.project_id
  location = var.region
  name     = var.unit
  role     = "roles/run.invoker"
  member   = module.pusher.member
}

resource "google_service_account_iam_member" "mints" {
  service_account_id = module.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}

# A dead letter has no dead letter: it is tried until it is kept, for a month.
resource "google_pubsub_subscription" "kept" {
  project                    = var.project_id
  name                       = var.unit
  topic                      = google_pubsub_topic.this.name
  ack_deadline_seconds       = max(10, var.timeout_seconds)
  message_retention_duration = local.keep

  expiration_policy {
    ttl = ""
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  push_config {
    push_endpoint = var.url
    oidc_token {
      service_account_email = module.pusher.email
      audience              = var.url
    }
    no_wrapper {
      write_metadata = true
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.pusher, google_service_account_iam_member.mints]
}

# For people, who look with `gcloud pubsub subscriptions pull dead-letters`. A topic without a subscription keeps nothing for
# anybody, and one that expires is gone a month after nobody looked.
resource "google_pubsub_subscription" "people" {
  project                    = var.project_id
  name                       = local.topic
  topic                      = google_pubsub_topic.this.name
  ack_deadline_seconds       = 600
  message_retention_duration = local.keep

  expiration_policy {
    ttl = ""
  }
}

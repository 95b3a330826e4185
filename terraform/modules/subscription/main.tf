locals {
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

# Deliveries to a unit come as an account that may call this unit and nothing else.
module "pusher" {
  source = "../account"

  project_id = var.project_id
  name       = "push-${var.unit}"
  purpose    = "Pushes events to ${var.unit}"
  deployer   = var.deployer
}

# run.invoker belongs on the Cloud Run service, also of a function: on the function itself it is refused ("Role
# roles/run.invoker is not supported for this resource", terraform-provider-google #12562, #13611).
resource "google_cloud_run_v2_service_iam_member" "pusher" {
  project  = var.project_id
  location = var.region
  name     = var.unit
  role     = "roles/run.invoker"
  member   = module.pusher.member
}

# Pub/Sub's agent mints the pusher's tokens: granted on that account, not on all of the project's. Without it a push that
# has a token fails, and says so nowhere (docker-clamav-malware-scanner #47).
resource "google_service_account_iam_member" "mints" {
  service_account_id = module.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent
}

resource "google_pubsub_subscription" "this" {
  for_each = var.events

  project = var.project_id
  name    = "${var.unit}.${each.key}"
  topic   = each.value.topic
  filter  = each.value.filter # a change replaces the subscription, and loses what it holds

  # While a handler may still work its event is not delivered to another. Pub/Sub takes 10 to 600 s.
  ack_deadline_seconds       = max(10, var.timeout_seconds)
  message_retention_duration = "604800s"

  # By default a subscription that nobody asks for a month is deleted, with what it holds.
  expiration_policy {
    ttl = ""
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = "projects/${var.project_id}/topics/${var.dead_letter_topic}"
    max_delivery_attempts = var.max_delivery_attempts
  }

  push_config {
    push_endpoint = var.url

    # Cloud Run admits a token only if its audience is the service's root URL.
    oidc_token {
      service_account_email = module.pusher.email
      audience              = var.url
    }
    # The message as the body and its attributes as headers: a CloudEvent in binary form, without the third that base64
    # would add. The handlers also read the wrapped form, for a subscription that somebody makes by hand.
    no_wrapper {
      write_metadata = true
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.pusher, google_service_account_iam_member.mints]
}

# To give up on a message Pub/Sub publishes it to the dead-letter topic, which module dead-letters lets it do, and
# acknowledges it here. Without both it says nothing and goes on delivering (google-cloud-go #1977).
resource "google_pubsub_subscription_iam_member" "gives_up" {
  for_each = google_pubsub_subscription.this

  project      = var.project_id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agent

  # A subscription that is replaced has the same name and none of its grants (terraform-google-pubsub #107).
  lifecycle {
    replace_triggered_by = [google_pubsub_subscription.this[each.key]]
  }
}

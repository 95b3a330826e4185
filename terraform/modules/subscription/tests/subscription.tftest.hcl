mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id        = "orderflow-test"
  project_number    = "123456789012"
  region            = "us-central1"
  unit              = "start-fulfilment"
  url               = "https://start-fulfilment-123456789012.us-central1.run.app"
  timeout_seconds   = 30
  dead_letter_topic = "dead-letters"
  events = {
    OrderCreated  = { topic = "orderflow.event.v1.OrderCreated" }
    PaymentFailed = { topic = "orderflow.event.v1.PaymentFailed", filter = "attributes.\"ce-resume\" = \"true\"" }
  }
}

run "no_event_is_lost" {
  command = apply

  assert {
    condition     = length(google_pubsub_subscription.this) == 2
    error_message = "Every event has a subscription of its own."
  }
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.this : s.expiration_policy[0].ttl == "" && s.message_retention_duration == "604800s"
      && s.dead_letter_policy[0].dead_letter_topic == "projects/orderflow-test/topics/dead-letters"
    ])
    error_message = "A subscription keeps messages for a week, never expires, and has a dead letter."
  }
  assert {
    condition     = toset([for m in google_pubsub_subscription_iam_member.gives_up : m.subscription]) == toset(["start-fulfilment.OrderCreated", "start-fulfilment.PaymentFailed"])
    error_message = "Pub/Sub must be able to acknowledge on every subscription, or it never gives up on a message."
  }
  assert {
    condition     = alltrue([for m in google_pubsub_subscription_iam_member.gives_up : m.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" && m.role == "roles/pubsub.subscriber"])
    error_message = "It is Pub/Sub's own agent that gives up."
  }
}

run "the_push_is_admitted" {
  command = apply

  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.this : s.push_config[0].oidc_token[0].audience == var.url && s.push_config[0].push_endpoint == var.url
      && "serviceAccount:${s.push_config[0].oidc_token[0].service_account_email}" == google_cloud_run_v2_service_iam_member.pusher.member
    ])
    error_message = "The token's audience is the root URL, and its account may call the unit."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.this : s.push_config[0].no_wrapper[0].write_metadata])
    error_message = "Without its attributes as headers a push is no CloudEvent."
  }
  assert {
    condition     = google_service_account_iam_member.mints.role == "roles/iam.serviceAccountTokenCreator"
    error_message = "Pub/Sub must be able to mint the pusher's tokens."
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.pusher.name == "start-fulfilment" && google_cloud_run_v2_service_iam_member.pusher.role == "roles/run.invoker"
    error_message = "The pusher may call this unit, and only call it."
  }
}

run "a_short_timeout_has_the_shortest_deadline" {
  command = plan
  variables {
    timeout_seconds = 5
  }

  assert {
    condition     = alltrue([for s in google_pubsub_subscription.this : s.ack_deadline_seconds == 10])
    error_message = "Pub/Sub takes no acknowledgement deadline below 10 s."
  }
}

run "a_handler_is_not_overtaken" {
  command = plan
  variables {
    timeout_seconds = 540
  }

  assert {
    condition     = alltrue([for s in google_pubsub_subscription.this : s.ack_deadline_seconds == 540])
    error_message = "The acknowledgement deadline is the handler's timeout, or its event is delivered twice at once."
  }
}

run "longer_than_any_deadline" {
  command = plan
  variables {
    timeout_seconds = 601
  }
  expect_failures = [var.timeout_seconds]
}

run "four_attempts_are_too_few" {
  command = plan
  variables {
    max_delivery_attempts = 4
  }
  expect_failures = [var.max_delivery_attempts]
}

run "an_audience_has_no_path" {
  command = plan
  variables {
    url = "https://start-fulfilment-123456789012.us-central1.run.app/"
  }
  expect_failures = [var.url]
}

run "a_filter_is_short" {
  command = plan
  variables {
    events = { A = { topic = "a", filter = format("%0257d", 0) } }
  }
  expect_failures = [var.events]
}

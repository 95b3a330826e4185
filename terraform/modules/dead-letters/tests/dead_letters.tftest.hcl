mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id      = "orderflow-test"
  project_number  = "123456789012"
  region          = "us-central1"
  unit            = "park-dead-letter"
  url             = "https://park-dead-letter-123456789012.us-central1.run.app"
  timeout_seconds = 30
}

run "a_dead_letter_is_never_lost" {
  command = apply

  assert {
    condition = alltrue([
      for s in [google_pubsub_subscription.kept, google_pubsub_subscription.people] :
      s.expiration_policy[0].ttl == "" && s.message_retention_duration == "2678400s" && s.topic == "dead-letters"
    ])
    error_message = "Both subscriptions keep dead letters for 31 days and never expire."
  }
  assert {
    condition     = length(google_pubsub_subscription.kept.dead_letter_policy) == 0
    error_message = "A dead letter that is given up again would go round for ever."
  }
  assert {
    condition     = length(google_pubsub_subscription.people.push_config) == 0
    error_message = "People pull: what is pushed is gone before they look."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.gives_up.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" && google_pubsub_topic_iam_member.gives_up.role == "roles/pubsub.publisher"
    error_message = "Pub/Sub must be able to publish what it gives up."
  }
  assert {
    condition     = length(google_pubsub_topic.this.schema_settings) == 0
    error_message = "A schema would refuse the very messages that come here."
  }
}

run "the_push_is_admitted" {
  command = apply

  assert {
    condition = alltrue([
      google_pubsub_subscription.kept.push_config[0].oidc_token[0].audience == var.url,
      "serviceAccount:${google_pubsub_subscription.kept.push_config[0].oidc_token[0].service_account_email}" == google_cloud_run_v2_service_iam_member.pusher.member,
      google_pubsub_subscription.kept.push_config[0].no_wrapper[0].write_metadata,
    ])
    error_message = "The push has the right audience and account, and its attributes as headers."
  }
}

run "an_audience_has_no_path" {
  command = plan
  variables {
    url = "https://park-dead-letter-123456789012.us-central1.run.app/"
  }
  expect_failures = [var.url]
}

run "longer_than_any_deadline" {
  command = plan
  variables {
    timeout_seconds = 601
  }
  expect_failures = [var.timeout_seconds]
}

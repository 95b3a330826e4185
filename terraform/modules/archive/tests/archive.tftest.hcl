mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id     = "orderflow-test"
  project_number = "123456789012"
  region         = "us-central1"
  topics         = { "orderflow.event.v1.OrderCreated" = "orderflow.event.v1.OrderCreated", "orderflow.event.v1.OrderConfirmed" = "orderflow.event.v1.OrderConfirmed" }
  protect        = true
}

run "the_bucket_is_private" {
  command = plan

  assert {
    condition = alltrue([
      google_storage_bucket.this.public_access_prevention == "enforced", google_storage_bucket.this.uniform_bucket_level_access,
      !google_storage_bucket.this.force_destroy, google_storage_bucket.this.soft_delete_policy[0].retention_duration_seconds == 604800,
    ])
    error_message = "The archive has customers' data: never public, and not destroyed in production."
  }
  assert {
    condition     = output.bucket == "orderflow-test-archive"
    error_message = "orderflow replay knows the bucket by this name (archive.Bucket)."
  }
}

run "only_events_grow_cheap_and_end" {
  command = plan

  assert {
    condition = alltrue([
      for r in google_storage_bucket.this.lifecycle_rule : tolist(tolist(r.condition)[0].matches_prefix) == tolist(["events/"])
      if tolist(r.action)[0].type != "AbortIncompleteMultipartUpload"
    ])
    error_message = "The records of replays are kept for good."
  }
  assert {
    condition     = one([for r in google_storage_bucket.this.lifecycle_rule : tolist(r.condition)[0].age if tolist(r.action)[0].type == "Delete"]) == 365
    error_message = "An event is kept for a year unless asked otherwise."
  }
  assert {
    condition     = one([for r in google_storage_bucket.this.lifecycle_rule : tolist(r.action)[0].storage_class if tolist(r.action)[0].type == "SetStorageClass"]) == "NEARLINE"
    error_message = "What is a month old is cheaper elsewhere."
  }
}

run "pubsub_may_make_files_here_and_nothing_else" {
  command = plan

  assert {
    condition     = toset(values(google_storage_bucket_iam_member.agent)[*].role) == toset(["roles/storage.objectCreator", "roles/storage.legacyBucketReader"])
    error_message = "Pub/Sub makes files and looks at the bucket; it cannot delete or replace what is there."
  }
  assert {
    condition = alltrue([
      for m in google_storage_bucket_iam_member.agent : m.bucket == "orderflow-test-archive" && m.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    ])
    error_message = "The roles are Pub/Sub's agent's, on this bucket."
  }
}

run "each_topic_is_archived_whole" {
  command = plan

  assert {
    condition     = toset(values(google_pubsub_subscription.this)[*].topic) == toset(keys(var.topics))
    error_message = "A topic is not archived."
  }
  assert {
    condition     = google_pubsub_subscription.this["orderflow.event.v1.OrderCreated"].name == "archive.OrderCreated"
    error_message = "The local stack calls the subscription so, too."
  }
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.this : alltrue([
        s.cloud_storage_config[0].avro_config[0].write_metadata, coalesce(s.filter, "none") == "none", s.expiration_policy[0].ttl == "",
        s.cloud_storage_config[0].bucket == "orderflow-test-archive", tonumber(trimsuffix(s.cloud_storage_config[0].max_duration, "s")) <= s.ack_deadline_seconds,
      ])
    ])
    error_message = "Every message is archived, with its attributes, for good."
  }
  assert {
    condition = alltrue([
      for t, s in google_pubsub_subscription.this : alltrue([
        s.cloud_storage_config[0].filename_prefix == "events/${t}/", s.cloud_storage_config[0].filename_datetime_format == "YYYY-MM-DD/hh_mm_ssZ",
        s.cloud_storage_config[0].filename_suffix == ".avro",
      ])
    ])
    error_message = "internal/archive finds files by these names."
  }
}

run "nearline_is_not_left_early" {
  command = plan
  variables {
    keep_days = 45
  }
  expect_failures = [var.keep_days]
}

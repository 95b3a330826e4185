mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id     = "orderflow-test"
  project_number = "123456789012"
  region         = "us-central1"
  units          = { plan-import = "plan-import" }
  protect        = true
}

run "buckets_are_private" {
  command = plan

  assert {
    condition = alltrue([
      for b in google_storage_bucket.this : b.public_access_prevention == "enforced" && b.uniform_bucket_level_access && !b.force_destroy
    ])
    error_message = "Uploads and reports hold customers' data: never public, and not destroyed in production."
  }
  assert {
    condition     = output.buckets == { uploads = "orderflow-test-uploads", reports = "orderflow-test-reports" }
    error_message = "The units know the buckets by these names (unit.BucketName)."
  }
}

run "only_what_is_done_with_is_deleted" {
  command = plan

  assert {
    condition = alltrue([
      for k, b in google_storage_bucket.this : alltrue([
        for r in b.lifecycle_rule : tolist(tolist(r.condition)[0].matches_prefix) == tolist([k == "uploads" ? "done/" : "parts/"]) if tolist(r.action)[0].type == "Delete"
      ])
    ])
    error_message = "An upload that waits for its import must not be deleted by its age."
  }
}

run "a_trigger_is_where_its_bucket_is" {
  command = plan

  assert {
    condition     = google_eventarc_trigger.finalized["plan-import"].location == "us-central1"
    error_message = "Eventarc refuses a trigger elsewhere than its bucket."
  }
  assert {
    condition = toset([for c in google_eventarc_trigger.finalized["plan-import"].matching_criteria : "${c.attribute}=${c.value}"]) == toset([
      "type=google.cloud.storage.object.v1.finalized", "bucket=orderflow-test-uploads"
    ])
    error_message = "The trigger hears of every new object of the uploads bucket, and of no other."
  }
  assert {
    condition     = length(google_eventarc_trigger.finalized["plan-import"].retry_policy) == 0
    error_message = "The only retry policy there is says not to retry."
  }
}

run "the_trigger_is_admitted" {
  command = plan

  assert {
    condition = alltrue([
      google_cloud_run_v2_service_iam_member.calls["plan-import"].member == "serviceAccount:${google_eventarc_trigger.finalized["plan-import"].service_account}",
      google_cloud_run_v2_service_iam_member.calls["plan-import"].role == "roles/run.invoker",
      google_project_iam_member.receives["plan-import"].role == "roles/eventarc.eventReceiver",
    ])
    error_message = "The trigger's account receives events and may call the unit."
  }
}

run "a_project_may_only_store" {
  command = plan
  variables {
    units = {}
  }

  assert {
    condition     = length(google_eventarc_trigger.finalized) == 0 && length(google_storage_bucket.this) == 2
    error_message = "Without a unit there is nobody to tell."
  }
}

run "an_import_may_take_days" {
  command = plan
  variables {
    keep_days = 1
  }
  expect_failures = [var.keep_days]
}

run "a_multi_region_is_no_region" {
  command = plan
  variables {
    region = "US"
  }
  expect_failures = [var.region]
}

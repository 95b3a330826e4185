mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id      = "orderflow-test"
  region          = "us-central1"
  unit            = "sweep-orders"
  description     = "Brings every order to its end."
  url             = "https://sweep-orders-123456789012.us-central1.run.app"
  schedule        = "* * * * *"
  timeout_seconds = 50
}

run "the_call_is_admitted" {
  command = plan

  assert {
    condition = alltrue([
      google_cloud_scheduler_job.this.http_target[0].oidc_token[0].audience == var.url,
      "serviceAccount:${google_cloud_scheduler_job.this.http_target[0].oidc_token[0].service_account_email}" == google_cloud_run_v2_service_iam_member.caller.member,
      google_cloud_run_v2_service_iam_member.caller.name == "sweep-orders",
    ])
    error_message = "The job's account may call the unit, with its root URL as audience."
  }
  assert {
    condition     = google_cloud_scheduler_job.this.time_zone == "Etc/UTC"
    error_message = "The unit's cron line is read in UTC."
  }
}

run "the_caller_waits_longer_than_the_unit_works" {
  command = plan
  variables {
    timeout_seconds = 540
  }

  assert {
    condition     = google_cloud_scheduler_job.this.attempt_deadline == "550s"
    error_message = "A job that gives up first calls the unit again while it works."
  }
}

run "a_short_run_has_the_shortest_deadline" {
  command = plan
  variables {
    timeout_seconds = 1
  }

  assert {
    condition     = google_cloud_scheduler_job.this.attempt_deadline == "15s"
    error_message = "Cloud Scheduler takes no deadline below 15 s."
  }
}

run "half_an_hour_is_too_long" {
  command = plan
  variables {
    timeout_seconds = 1800
  }
  expect_failures = [var.timeout_seconds]
}

run "a_cron_line_has_five_fields" {
  command = plan
  variables {
    schedule = "every 5 minutes"
  }
  expect_failures = [var.schedule]
}

run "an_audience_has_no_path" {
  command = plan
  variables {
    url = "https://sweep-orders-123456789012.us-central1.run.app/sweep"
  }
  expect_failures = [var.url]
}

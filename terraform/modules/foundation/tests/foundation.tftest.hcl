mock_provider "google" {
  source = "../../mocks"
}
mock_provider "google-beta" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id     = "orderflow-test"
  project_number = "123456789012"
}

run "nothing_is_switched_off_under_others" {
  command = plan

  assert {
    condition     = alltrue([for s in google_project_service.this : s.disable_on_destroy == false])
    error_message = "Destroying this tree must not disable an API that something else in the project uses."
  }
}

run "every_agent_is_made_before_it_is_needed" {
  command = plan

  assert {
    condition = alltrue([
      for a in ["eventarc", "workflows", "cloudscheduler", "pubsub"] : contains(keys(google_project_service_identity.this), a)
    ])
    error_message = "The first trigger, workflow, job or push fails without its agent."
  }
  assert {
    condition = alltrue([
      for m in google_project_iam_member.agent : can(regex("^serviceAccount:service-123456789012@gcp-sa-[a-z]+[.]iam[.]gserviceaccount[.]com$", m.member))
      && can(regex("^roles/[a-z]+[.]serviceAgent$", m.role))
    ])
    error_message = "Only Google's agents get roles here, and only the one that is theirs."
  }
  assert {
    condition     = google_project_iam_member.storage_publishes.role == "roles/pubsub.publisher"
    error_message = "Cloud Storage cannot publish uploads: triggers can be neither made nor deleted."
  }
}

run "an_api_that_is_asked_for_is_enabled" {
  command = plan
  variables {
    services = ["compute.googleapis.com"]
  }

  assert {
    condition     = contains(keys(google_project_service.this), "compute.googleapis.com")
    error_message = "services is not enabled."
  }
}

run "a_number_is_no_id" {
  command = plan
  variables {
    project_number = "orderflow-test"
  }
  expect_failures = [var.project_number]
}

run "a_service_has_its_whole_name" {
  command = plan
  variables {
    services = ["compute"]
  }
  expect_failures = [var.services]
}

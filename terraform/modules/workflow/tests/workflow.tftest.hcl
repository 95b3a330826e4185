mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id  = "orderflow-test"
  region      = "us-central1"
  name        = "fulfil-order"
  description = "The saga of an order"
  definition  = "main:\n  steps:\n    - a:\n        call: http.post\n        args:\n          url: $${sys.get_env(\"CONFIRM_ORDER_URL\")}\n"
  protect     = true
  calls = {
    confirm-order = { unit = "confirm-order", url = "https://confirm-order-123456789012.us-central1.run.app" }
    inventory     = { unit = "inventory", url = "https://inventory-123456789012.us-central1.run.app" }
  }
}

run "it_knows_and_may_call_the_same_units" {
  command = plan

  assert {
    condition     = toset(keys(google_workflows_workflow.this.user_env_vars)) == toset(["CONFIRM_ORDER_URL", "INVENTORY_URL"])
    error_message = "The workflow finds the URLs under these names."
  }
  assert {
    condition = toset([for m in google_cloud_run_v2_service_iam_member.calls : m.name]) == toset(["confirm-order", "inventory"]) && alltrue([
      for m in google_cloud_run_v2_service_iam_member.calls : m.role == "roles/run.invoker" && m.member == "serviceAccount:fulfil-order@orderflow-test.iam.gserviceaccount.com"
    ])
    error_message = "The workflow may call what it knows, as itself."
  }
}

run "the_file_is_taken_as_it_is" {
  command = plan

  assert {
    condition     = google_workflows_workflow.this.source_contents == var.definition && strcontains(google_workflows_workflow.this.source_contents, "$${sys.get_env")
    error_message = "What runs locally is what is deployed: nothing in the file is replaced."
  }
}

run "production_keeps_its_saga" {
  command = plan

  assert {
    condition     = google_workflows_workflow.this.deletion_protection
    error_message = "Without the saga no order comes to an end."
  }
}

run "nobody_is_called_who_does_not_say_so" {
  command = plan
  variables {
    definition = "url: $${sys.get_env(\"PAYMENT_URL\") + \"/charge\"}"
  }
  expect_failures = [var.definition]
}

run "an_audience_has_no_path" {
  command = plan
  variables {
    calls = { confirm-order = { unit = "confirm-order", url = "https://confirm-order.run.app/v1" } }
  }
  expect_failures = [var.calls]
}

run "a_log_level_is_one_of_three" {
  command = plan
  variables {
    call_log_level = "ALL"
  }
  expect_failures = [var.call_log_level]
}

run "a_workflow_is_not_too_large" {
  command = plan
  variables {
    definition = join("", [for i in range(513) : format("%0256d", 0)])
  }
  expect_failures = [var.definition]
}

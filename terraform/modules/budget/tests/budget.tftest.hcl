mock_provider "google" {
  source = "../../mocks"
}

variables {
  billing_account = "0123AB-4567CD-89EF01"
  project_id      = "orderflow-test"
  project_number  = "123456789012"
  monthly_amount  = 200
}

run "people_are_told_in_time" {
  command = plan

  assert {
    condition = toset([for r in google_billing_budget.this.threshold_rules : "${r.spend_basis} ${r.threshold_percent}"]) == toset([
      "CURRENT_SPEND 0.5", "CURRENT_SPEND 0.9", "CURRENT_SPEND 1", "FORECASTED_SPEND 1",
    ])
    error_message = "The thresholds are others."
  }
  assert {
    condition     = google_billing_budget.this.amount[0].specified_amount[0].units == "200"
    error_message = "The amount is another."
  }
  assert {
    condition     = google_billing_budget.this.budget_filter[0].projects == toset(["projects/123456789012"])
    error_message = "Other projects' costs are counted too."
  }
  assert {
    condition     = length(google_billing_budget.this.all_updates_rule) == 0
    error_message = "Google refuses a rule that tells nobody."
  }
}

run "channels_are_told" {
  command = plan
  variables {
    notification_channels = ["projects/orderflow-test/notificationChannels/1"]
  }

  assert {
    condition     = google_billing_budget.this.all_updates_rule[0].monitoring_notification_channels == tolist(["projects/orderflow-test/notificationChannels/1"])
    error_message = "The channel is not told."
  }
}

run "a_budget_tells_five_at_most" {
  command = plan
  variables {
    notification_channels = [for i in range(6) : "projects/orderflow-test/notificationChannels/${i}"]
  }
  expect_failures = [var.notification_channels]
}

run "a_billing_account_is_no_project" {
  command = plan
  variables {
    billing_account = "orderflow-test"
  }
  expect_failures = [var.billing_account]
}

run "a_number_is_no_id" {
  command = plan
  variables {
    project_number = "orderflow-test"
  }
  expect_failures = [var.project_number]
}

run "an_amount_is_whole" {
  command = plan
  variables {
    monthly_amount = 0.5
  }
  expect_failures = [var.monthly_amount]
}

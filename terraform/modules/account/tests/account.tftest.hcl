mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id = "orderflow-test"
  name       = "place-order"
  purpose    = "Runs place-order"
}

run "a_plan_shows_who_it_is" {
  command = plan

  assert {
    condition     = output.email == "place-order@orderflow-test.iam.gserviceaccount.com" && output.member == "serviceAccount:${output.email}" && endswith(output.name, "/serviceAccounts/${output.email}")
    error_message = "The address must be known before the account is made: policies are checked on the plan."
  }
  assert {
    condition     = length(google_service_account_iam_member.deployer) == 0
    error_message = "Without a deployer nobody is to act as anybody."
  }
}

run "the_deployer_may_act_as_it" {
  command = apply
  variables {
    deployer = "deployer@orderflow-test.iam.gserviceaccount.com"
  }

  assert {
    condition     = google_service_account_iam_member.deployer[0].role == "roles/iam.serviceAccountUser" && google_service_account_iam_member.deployer[0].member == "serviceAccount:deployer@orderflow-test.iam.gserviceaccount.com"
    error_message = "The deployer cannot deploy what runs as this account."
  }
}

run "a_long_name_is_cut" {
  command = plan
  variables {
    name = "a-function-with-a-very-long-n-indeed"
  }

  assert {
    condition     = google_service_account.this.account_id == "a-function-with-a-very-long-n" && output.email == "a-function-with-a-very-long-n@orderflow-test.iam.gserviceaccount.com"
    error_message = "An id has at most 30 characters and no hyphen at its end, and the address is that of the id."
  }
}

run "five_letters_are_too_few" {
  command = plan
  variables {
    name = "order"
  }
  expect_failures = [var.name]
}

run "a_deployer_is_an_account" {
  command = plan
  variables {
    deployer = "someone"
  }
  expect_failures = [var.deployer]
}

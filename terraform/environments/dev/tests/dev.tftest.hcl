# The whole environment, planned without a cloud.
mock_provider "google" {
  source = "../../mocks"
}
mock_provider "google-beta" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id           = "orderflow-test"
  customers            = { issuer = "https://issuer.example.com", jwks_uri = "https://issuer.example.com/keys", audience = "orderflow" }
  payment_provider_url = "https://provider.example.com"
  bundles              = {}
}

run "units" {
  command = plan
  module {
    source = "../../modules/pipeline/tests/bundles"
  }
}

run "it_plans" {
  command = plan
  variables {
    bundles = run.units.bundles
  }

  assert {
    condition     = keys(output.units) == keys(run.units.bundles)
    error_message = "A folder of functions/ or services/ is not deployed."
  }
  assert {
    condition     = output.units["inventory"].url == "https://inventory-123456789012.us-central1.run.app"
    error_message = "The project's number is read from the project."
  }
  assert {
    condition     = output.buckets == { uploads = "orderflow-test-uploads", reports = "orderflow-test-reports", archive = "orderflow-test-archive" }
    error_message = "The buckets are called as the units expect."
  }
}

run "it_plans_for_a_deployer" {
  command = plan
  variables {
    bundles  = run.units.bundles
    deployer = "deployer@orderflow-test.iam.gserviceaccount.com"
  }
}

run "an_issuer_is_reached_by_https" {
  command = plan
  variables {
    bundles   = run.units.bundles
    customers = { issuer = "http://issuer.example.com", jwks_uri = "https://issuer.example.com/keys", audience = "orderflow" }
  }
  expect_failures = [var.customers]
}

run "money_goes_by_https" {
  command = plan
  variables {
    bundles              = run.units.bundles
    payment_provider_url = "http://provider.example.com"
  }
  expect_failures = [var.payment_provider_url]
}

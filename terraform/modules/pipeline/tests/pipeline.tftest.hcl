# The pipeline of this very repository, planned without a cloud.
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
  region         = "us-central1"
  protect        = false
  bundles_folder = "dist"
  customers      = { issuer = "https://issuer.example.com", jwks_uri = "https://issuer.example.com/keys", audience = "orderflow" }
  settings       = { payment = { PAYMENT_PROVIDER_URL = "https://provider.example.com" } }
  bundles        = {}
}

# A plan needs a bundle of every unit: this run says which.
run "units" {
  command = plan
  module {
    source = "./tests/bundles"
  }
}

run "every_folder_is_a_unit" {
  command = plan
  variables {
    bundles = run.units.bundles
  }

  assert {
    condition     = length(output.units) == length(fileset("../../..", "functions/*/*/function.yaml")) + length(fileset("../../..", "services/*/service.yaml"))
    error_message = "A folder of functions/ or services/ is not deployed."
  }
  assert {
    condition     = alltrue([for name, u in output.units : u.url == "https://${name}-123456789012.us-central1.run.app"])
    error_message = "A unit's URL must be known before it exists."
  }
}

run "nobody_calls_who_does_not_say_so" {
  command = plan
  variables {
    bundles = run.units.bundles
  }

  assert {
    condition = alltrue([
      for m in values(google_cloud_run_v2_service_iam_member.call) : m.role == "roles/run.invoker" && output.units[m.name].kind == "service"
      && contains(local.units[trimsuffix(trimprefix(m.member, "serviceAccount:"), "@orderflow-test.iam.gserviceaccount.com")].calls, m.name)
    ])
    error_message = "A unit may call a service that its yaml does not name."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.call) == sum([for u in local.units : length(u.calls)])
    error_message = "A unit may not call a service that its yaml names."
  }
  assert {
    condition = toset(keys(google_cloud_run_v2_service_iam_member.gateway)) == toset([for name, u in local.units : name if u.trigger.http != null || u.trigger.webhook != null]) && alltrue([
      for m in google_cloud_run_v2_service_iam_member.gateway : m.member == "serviceAccount:api-gateway@orderflow-test.iam.gserviceaccount.com"
    ])
    error_message = "The gateway, and nobody else from outside, may call exactly the units with a route."
  }
}

run "a_unit_knows_what_it_uses" {
  command = plan
  variables {
    bundles = run.units.bundles
  }

  assert {
    condition = alltrue([
      for name, u in local.units : (u.trigger.http == null) == !contains(keys(local.env[name]), "OIDC_ISSUER") && (length(u.starts) == 0) == !contains(keys(local.env[name]), "WORKFLOW_LOCATION")
    ])
    error_message = "Who verifies tokens knows their issuer, who starts workflows where they are, and nobody else does."
  }
  assert {
    condition = alltrue(flatten([
      for name, u in local.units : [for b in ["UPLOADS_BUCKET", "REPORTS_BUCKET"] : contains(keys(u.databases), "imports") == contains(keys(local.env[name]), b)]
    ]))
    error_message = "Who reads or writes imports knows both buckets: also who only names a report."
  }
  assert {
    condition = alltrue([
      for name, u in local.units : lookup(local.env[name], "CUSTOMER_CONCURRENCY", "none") == (u.trigger.http == null ? "none" : tostring(floor(u.concurrency / 4)))
    ])
    error_message = "A function of the public API has a quarter of its concurrency for one customer, and nobody else asks who the customer is."
  }
  assert {
    condition     = local.env["place-order"]["INVENTORY_URL"] == output.units["inventory"].url
    error_message = "A caller has the URL that is also the audience of its tokens."
  }
  assert {
    condition     = local.env["payment"]["PAYMENT_PROVIDER_URL"] == "https://provider.example.com"
    error_message = "An environment's settings do not reach the unit."
  }
}

run "settings_are_of_units" {
  command = plan
  variables {
    bundles  = run.units.bundles
    settings = { place-orders = { ORDER_EXPIRY = "1h" } }
  }
  expect_failures = [var.settings]
}

run "warm_instances_are_of_units" {
  command = plan
  variables {
    bundles       = run.units.bundles
    min_instances = { place-orders = 1 }
  }
  expect_failures = [var.min_instances]
}

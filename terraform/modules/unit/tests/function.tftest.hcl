mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id      = "orderflow-test"
  region          = "us-central1"
  name            = "place-order"
  kind            = "function"
  url             = "https://place-order-123456789012.us-central1.run.app"
  summary         = "Takes an order over HTTP."
  bundle          = "dist/place-order-0123456789abcdef.zip"
  internal        = false
  cpu             = 1
  memory          = "256Mi"
  timeout_seconds = 10
  concurrency     = 80
  max_instances   = 50
  protect         = true
  databases       = { orders = "write", inventory = "read" }
  buckets         = { orderflow-test-uploads = "read", orderflow-test-reports = "write" }
  topics          = { "orderflow.event.v1.OrderCreated" = "orderflow.event.v1.OrderCreated" }
  secrets         = ["PAYMENT_WEBHOOK_SECRETS"]
  env             = { INVENTORY_URL = "https://inventory-123456789012.us-central1.run.app" }
  delivery = {
    builder      = "projects/orderflow-test/serviceAccounts/builder@orderflow-test.iam.gserviceaccount.com"
    repository   = "projects/orderflow-test/locations/us-central1/repositories/orderflow"
    image_prefix = "us-central1-docker.pkg.dev/orderflow-test/orderflow"
    sources      = "orderflow-test-sources"
  }
}

run "a_database_role_is_for_one_database" {
  command = plan

  assert {
    condition = alltrue([
      for d, m in google_project_iam_member.databases : m.condition[0].expression == "resource.name == \"projects/orderflow-test/databases/${d}\""
    ])
    error_message = "A datastore role without its condition is one for every database."
  }
  assert {
    condition     = google_project_iam_member.databases["orders"].role == "roles/datastore.user" && google_project_iam_member.databases["inventory"].role == "roles/datastore.viewer"
    error_message = "Who reads must not write."
  }
}

run "roles_are_on_the_thing_itself" {
  command = plan

  assert {
    condition     = google_storage_bucket_iam_member.buckets["orderflow-test-uploads"].role == "roles/storage.objectViewer" && google_storage_bucket_iam_member.buckets["orderflow-test-reports"].role == "roles/storage.objectUser"
    error_message = "Who reads a bucket must not write it, and nobody administers it."
  }
  assert {
    condition     = length(google_project_iam_member.starts) == 0
    error_message = "A unit that starts no workflow must not be able to."
  }
  assert {
    condition = toset(concat(
      [for m in google_project_iam_member.databases : m.member], [for m in google_storage_bucket_iam_member.buckets : m.member],
      [for m in google_pubsub_topic_iam_member.publishes : m.member], [for m in google_secret_manager_secret_iam_member.reads : m.member],
    )) == toset(["serviceAccount:place-order@orderflow-test.iam.gserviceaccount.com"])
    error_message = "All that the unit may do, it may as its own account."
  }
  assert {
    condition     = google_cloudfunctions2_function.this[0].service_config[0].service_account_email == "place-order@orderflow-test.iam.gserviceaccount.com"
    error_message = "The function runs as its own account, not as the default one, which may change everything."
  }
}

run "another_bundle_is_another_object" {
  command = plan

  assert {
    condition     = google_cloudfunctions2_function.this[0].build_config[0].source[0].storage_source[0].object == "place-order-0123456789abcdef.zip"
    error_message = "The object is named by the bundle's hash, or a change is not deployed."
  }
  assert {
    condition     = google_cloudfunctions2_function.this[0].build_config[0].service_account == var.delivery.builder
    error_message = "Builds run as the builder."
  }
}

run "nothing_is_unlimited" {
  command = plan

  assert {
    condition = alltrue([
      google_cloudfunctions2_function.this[0].service_config[0].max_instance_count == 50,
      google_cloudfunctions2_function.this[0].service_config[0].max_instance_request_concurrency == 80,
      google_cloudfunctions2_function.this[0].service_config[0].timeout_seconds == 10,
      google_cloudfunctions2_function.this[0].service_config[0].environment_variables["GOMEMLIMIT"] == "204MiB",
    ])
    error_message = "Instances, requests at once, time and memory have limits."
  }
}

run "the_gateway_reaches_it_and_only_some_do_from_inside" {
  command = plan

  assert {
    condition     = google_cloudfunctions2_function.this[0].service_config[0].ingress_settings == "ALLOW_ALL"
    error_message = "The gateway comes from outside."
  }
}

run "an_event_function_is_internal" {
  command = plan
  variables {
    internal = true
  }

  assert {
    condition     = google_cloudfunctions2_function.this[0].service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "What only Google's services call is not reached from the internet."
  }
}

run "a_function_is_no_service" {
  command = plan

  assert {
    condition     = length(google_cloud_run_v2_service.this) == 0 && length(terraform_data.image) == 0
    error_message = "A function is built by Cloud Functions alone."
  }
}

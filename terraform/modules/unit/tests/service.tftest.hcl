# Plans only: an apply would build the image.
mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id       = "orderflow-test"
  region           = "us-central1"
  name             = "inventory"
  kind             = "service"
  url              = "https://inventory-123456789012.us-central1.run.app"
  summary          = "The catalogue, the stock, and who holds it."
  bundle           = "dist/inventory-0123456789abcdef.zip"
  internal         = false
  cpu              = 1
  cpu_always       = true
  memory           = "512Mi"
  timeout_seconds  = 15
  concurrency      = 200
  min_instances    = 1
  max_instances    = 5
  protect          = true
  starts_workflows = true
  secrets          = ["PAYMENT_PROVIDER_KEY"]
  delivery = {
    builder      = "projects/orderflow-test/serviceAccounts/builder@orderflow-test.iam.gserviceaccount.com"
    repository   = "projects/orderflow-test/locations/us-central1/repositories/orderflow"
    image_prefix = "us-central1-docker.pkg.dev/orderflow-test/orderflow"
    sources      = "orderflow-test-sources"
  }
}

run "another_bundle_is_another_image" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].image == "us-central1-docker.pkg.dev/orderflow-test/orderflow/inventory:0123456789abcdef"
    error_message = "The image is named by the bundle's hash, or a change is not deployed."
  }
  assert {
    condition     = terraform_data.image[0].triggers_replace[0] == google_cloud_run_v2_service.this[0].template[0].containers[0].image
    error_message = "The image that runs is the one that is built."
  }
}

run "it_speaks_grpc" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].ports[0].name == "h2c"
    error_message = "gRPC needs HTTP/2 from end to end."
  }
  assert {
    condition = (google_cloud_run_v2_service.this[0].template[0].containers[0].startup_probe[0].failure_threshold
    * google_cloud_run_v2_service.this[0].template[0].containers[0].startup_probe[0].period_seconds) <= 240
    error_message = "Cloud Run waits 240 s for a start, and refuses to wait longer."
  }
  assert {
    condition     = google_cloud_run_v2_service.this[0].custom_audiences == tolist([var.url])
    error_message = "Callers' tokens are for the root URL."
  }
}

run "its_listener_stays_awake" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].cpu_idle == false && google_cloud_run_v2_service.this[0].template[0].scaling[0].min_instance_count == 1
    error_message = "Without CPU between requests, or without an instance, nobody listens to the catalogue."
  }
}

run "others_are_billed_by_request" {
  command = plan
  variables {
    cpu_always = false
  }

  assert {
    condition     = google_cloud_run_v2_service.this[0].template[0].containers[0].resources[0].cpu_idle == true
    error_message = "CPU between requests is paid for as long as an instance lives."
  }
}

run "a_secret_is_not_in_the_open" {
  command = plan

  assert {
    condition = [
      for e in google_cloud_run_v2_service.this[0].template[0].containers[0].env : try(e.value_source[0].secret_key_ref[0].secret, "in the open") if e.name == "PAYMENT_PROVIDER_KEY"
    ] == ["PAYMENT_PROVIDER_KEY"]
    error_message = "A secret comes from Secret Manager."
  }
  assert {
    condition     = google_secret_manager_secret_iam_member.reads["PAYMENT_PROVIDER_KEY"].role == "roles/secretmanager.secretAccessor"
    error_message = "The service may read its secret, and only read it."
  }
}

run "starting_workflows_is_asked_for" {
  command = plan

  assert {
    condition     = google_project_iam_member.starts[0].role == "roles/workflows.invoker"
    error_message = "Who starts executions may start them, and nothing more."
  }
}

run "it_cannot_be_destroyed_by_mistake" {
  command = plan

  assert {
    condition     = google_cloud_run_v2_service.this[0].deletion_protection && length(google_cloudfunctions2_function.this) == 0
    error_message = "A production service is protected."
  }
}

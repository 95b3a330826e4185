locals {
  image = "${var.delivery.image_prefix}/${var.name}:${trimprefix(trimsuffix(basename(var.bundle), ".zip"), "${var.name}-")}"
}

# google_cloud_run_v2_service.build_config builds nothing: it only says how Cloud Run functions would have
# (terraform-provider-google #22263, #23057; terraform-google-cloud-run #398). So the bundle is built here, by the same
# buildpacks, into an image that is named by the bundle's hash. It takes gcloud where Terraform runs, and some minutes, in
# which its grants come to hold: a service that is refused its database does not start.
resource "terraform_data" "image" {
  count = local.function ? 0 : 1

  triggers_replace = [local.image]

  provisioner "local-exec" {
    command = join(" ", [
      "gcloud builds submit \"gs://$BUCKET/$BUNDLE\" --gcs-source-staging-dir=\"gs://$BUCKET/builds\"",
      "--config=\"$CONFIG\" --substitutions=\"_IMAGE=$IMAGE\" --service-account=\"$BUILDER\"",
      "--region=\"$REGION\" --project=\"$PROJECT\" --quiet",
    ])
    environment = {
      BUCKET  = google_storage_bucket_object.bundle.bucket
      BUNDLE  = google_storage_bucket_object.bundle.name
      CONFIG  = "${path.module}/image.yaml"
      IMAGE   = local.image
      BUILDER = var.delivery.builder
      REGION  = var.region
      PROJECT = var.project_id
    }
  }

  depends_on = [
    google_project_iam_member.logs,
    google_project_iam_member.databases,
    google_storage_bucket_iam_member.buckets,
    google_pubsub_topic_iam_member.publishes,
    google_project_iam_member.starts,
    google_secret_manager_secret_iam_member.reads,
  ]
}

resource "google_cloud_run_v2_service" "this" {
  count = local.function ? 0 : 1

  project             = var.project_id
  location            = var.region
  name                = var.name
  description         = var.summary
  deletion_protection = var.protect

  # Units call each other from outside of any network of ours, so IAM alone admits them.
  ingress = var.internal ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : "INGRESS_TRAFFIC_ALL"

  # Its root URL, by which it is called, is known before it exists; it is named here since it is not the URL Google tells.
  custom_audiences = [var.url]

  template {
    service_account                  = module.account.email
    timeout                          = "${var.timeout_seconds}s"
    max_instance_request_concurrency = var.concurrency

    scaling {
      min_instance_count = var.min_instances
      max_instance_count = var.max_instances
    }

    containers {
      image = local.image

      # gRPC takes HTTP/2 from end to end; the same port answers JSON over HTTP/1.
      ports {
        name           = "h2c"
        container_port = 8080
      }
      resources {
        limits            = { cpu = tostring(var.cpu), memory = var.memory }
        cpu_idle          = !var.cpu_always # idle: no CPU between requests
        startup_cpu_boost = true
      }
      # It listens once it is ready. 240 s are the most there is.
      startup_probe {
        period_seconds    = 5
        timeout_seconds   = 4
        failure_threshold = 48
        grpc {
          port = 8080
        }
      }
      dynamic "env" {
        for_each = local.env
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }
  }

  # Terraform makes revisions, who delivers sends them traffic: a new one gets none while traffic is pinned to another, and
  # all of it otherwise, as the first one does.
  lifecycle {
    ignore_changes = [traffic, client, client_version]
  }

  depends_on = [terraform_data.image]
}

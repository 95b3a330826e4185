locals {
  services = toset(concat(var.services, [
    "artifactregistry.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "workflowexecutions.googleapis.com",
    "workflows.googleapis.com",
  ]))

  # Google's own accounts that do things for us, and their role, where the first thing they do comes too soon after the
  # project is made.
  agents = {
    eventarc       = "gcp-sa-eventarc"
    workflows      = "gcp-sa-workflows"
    cloudscheduler = "gcp-sa-cloudscheduler"
  }
}

resource "google_project_service" "this" {
  for_each = local.services

  project = var.project_id
  service = each.value

  # Others in the project may use it too, and what still runs needs it to be deleted.
  disable_on_destroy = false
}

# An agent is made on first need, not when its API is enabled, and that first need fails: "Permission denied while using the
# Eventarc Service Agent" (terraform-provider-google #14584, #25294). Asking for it makes it now.
resource "google_project_service_identity" "this" {
  provider = google-beta
  for_each = toset(concat(keys(local.agents), ["pubsub"]))

  project = var.project_id
  service = google_project_service.this["${each.value}.googleapis.com"].service
}

# An agent that was asked for gets no role by itself (cloud.google.com/iam/docs/create-service-agents).
resource "google_project_iam_member" "agent" {
  for_each = local.agents

  project = var.project_id
  role    = "roles/${each.key}.serviceAgent"
  member  = "serviceAccount:service-${var.project_number}@${each.value}.iam.gserviceaccount.com"

  depends_on = [google_project_service_identity.this]
}

# Reading this makes Cloud Storage's agent. There is no resource that does.
data "google_storage_project_service_account" "this" {
  project = var.project_id

  depends_on = [google_project_service.this]
}

# Cloud Storage publishes an upload's event to the topic that Eventarc makes, whose name nobody knows before. The right
# must outlive the trigger, whose deletion needs it too (genai-knowledge-base #224: it went first, and destroy failed). Everything
# depends on this module, so it goes last.
resource "google_project_iam_member" "storage_publishes" {
  project = var.project_id
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${var.project_number}@gs-project-accounts.iam.gserviceaccount.com"

  depends_on = [data.google_storage_project_service_account.this]
}

# What was granted holds everywhere only after a while (cloud.google.com/iam/docs/access-change-propagation: two minutes as
# a rule, seven or more at times). An apply that still comes too soon succeeds when it is run again.
resource "time_sleep" "propagation" {
  create_duration = "120s"

  depends_on = [google_project_iam_member.agent, google_project_iam_member.storage_publishes]
}

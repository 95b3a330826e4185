locals {
  # What is deleted by age: the copies of files that were imported, and the parts that rejects were joined from.
  buckets = {
    uploads = "done/"
    reports = "parts/"
  }
}

resource "google_storage_bucket" "this" {
  for_each = local.buckets

  project                     = var.project_id
  name                        = "${var.project_id}-${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  # Objects are never changed, only made and deleted. What was deleted by mistake can be had back for a week in production;
  # elsewhere what is deleted is gone.
  versioning {
    enabled = false
  }
  soft_delete_policy {
    retention_duration_seconds = var.protect ? 604800 : 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.keep_days
      matches_prefix = [each.value]
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }
}

# Eventarc calls as an account that may receive events and call this unit.
module "events" {
  source   = "../account"
  for_each = var.units

  project_id = var.project_id
  name       = "events-${each.key}"
  purpose    = "Tells ${each.key} of uploads"
  deployer   = var.deployer
}

# Eventarc has no narrower place for this role than the project.
resource "google_project_iam_member" "receives" {
  for_each = var.units

  project = var.project_id
  role    = "roles/eventarc.eventReceiver"
  member  = module.events[each.key].member
}

resource "google_cloud_run_v2_service_iam_member" "calls" {
  for_each = var.units

  project  = var.project_id
  location = var.region
  name     = each.value
  role     = "roles/run.invoker"
  member   = module.events[each.key].member
}

resource "google_service_account_iam_member" "mints" {
  for_each = var.units

  service_account_id = module.events[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_eventarc_trigger" "finalized" {
  for_each = var.units

  project = var.project_id
  name    = each.key

  # Where the bucket is, and nowhere else ("Bucket … is in location …, but the trigger location is …", linehaul #166); the
  # provider makes a bucket's location upper-case.
  location = lower(google_storage_bucket.this["uploads"].location)

  # An event of Cloud Storage can be told by its bucket only, not by its name: the function leaves alone what is no upload.
  # Any change here makes another trigger, and loses what waits in this one.
  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }
  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.this["uploads"].name
  }

  service_account = module.events[each.key].email

  destination {
    cloud_run_service {
      service = each.value
      region  = var.region
    }
  }

  # No retry_policy: max_attempts may only be 1, no retry at all. Without it Eventarc tries for a day and then drops the event;
  # a scheduled sweep plans the uploads that nobody heard of.
  depends_on = [
    google_project_iam_member.receives,
    google_cloud_run_v2_service_iam_member.calls,
    google_service_account_iam_member.mints,
  ]
}

locals {
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # events/ is what was published, replays/ who published what again, which is kept for good.
  events = "events/"
}

resource "google_storage_bucket" "this" {
  project                     = var.project_id
  name                        = "${var.project_id}-archive"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.protect

  # As in the other buckets: files are only made, and production keeps what was deleted by mistake for a week.
  versioning {
    enabled = false
  }
  soft_delete_policy {
    retention_duration_seconds = var.protect ? 604800 : 0
  }
  # A replay is of the last days as a rule. Nearline bills 30 days at least, so what goes there stays there.
  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }
    condition {
      age                   = 30
      matches_prefix        = [local.events]
      matches_storage_class = ["STANDARD"]
    }
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = var.keep_days
      matches_prefix = [local.events]
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

# Pub/Sub's agent makes files here: it neither reads, replaces nor deletes one
# (https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription#assign_roles_storage).
resource "google_storage_bucket_iam_member" "agent" {
  for_each = toset(["roles/storage.objectCreator", "roles/storage.legacyBucketReader"])

  bucket = google_storage_bucket.this.name
  role   = each.value
  member = local.agent
}

# Pub/Sub refuses a subscription to a bucket that its agent may not write to yet.
resource "time_sleep" "propagation" {
  create_duration = "60s"

  triggers = { bucket = google_storage_bucket.this.name }

  depends_on = [google_storage_bucket_iam_member.agent]
}

resource "google_pubsub_subscription" "this" {
  for_each = var.topics

  project = var.project_id
  name    = "archive.${element(split(".", each.key), -1)}"
  topic   = each.value

  # A file is acknowledged when it is written: max_duration may not be longer.
  ack_deadline_seconds       = 600
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = ""
  }
  # No dead letter: whatever was published can be written. What cannot be for now, since the bucket is out of reach, is tried
  # for seven days; given up on, it would be missing from the archive for good.

  cloud_storage_config {
    bucket = time_sleep.propagation.triggers.bucket

    # archive.Name: the day is a folder, and names are in the order of time.
    filename_prefix          = "${local.events}${each.key}/"
    filename_datetime_format = "YYYY-MM-DD/hh_mm_ssZ"
    filename_suffix          = ".avro"

    max_duration = "300s"
    max_bytes    = 104857600

    # Text would lose the attributes, which are the half of an event.
    avro_config {
      write_metadata = true
    }
  }
}

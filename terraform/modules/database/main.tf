locals {
  indexes = {
    for i in var.indexes : join(".", concat([i.collection], [for f in i.fields : "${f.name}-${f.order}"])) => i
  }
  fields = { for f in var.fields : "${f.collection}.${f.field}" => f }
}

# A database has a name of its own: "(default)" may be there already (409), and says nothing of what is in it.
resource "google_firestore_database" "this" {
  project     = var.project_id
  name        = var.name
  location_id = var.location # can never be changed
  type        = "FIRESTORE_NATIVE"

  point_in_time_recovery_enablement = var.protect ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"

  # Two switches that do not know of each other (terraform-provider-google #22535): Google's refuses deletion whoever asks;
  # Terraform's default, ABANDON, leaves the database behind on destroy, and the next apply finds a name that is taken.
  delete_protection_state = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = var.protect ? "ABANDON" : "DELETE"
}

resource "google_firestore_backup_schedule" "daily" {
  count = var.protect ? 1 : 0

  project   = var.project_id
  database  = google_firestore_database.this.name
  retention = "${var.backup_retention_days * 86400}s"

  daily_recurrence {}
}

resource "google_firestore_index" "this" {
  for_each = local.indexes

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.value.collection

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path = fields.value.name
      order      = fields.value.order == "asc" ? "ASCENDING" : "DESCENDING"
    }
  }
  # Firestore ends every index with the id, in the direction of the last field, as queries do. Where it is left out, each
  # plan wants to make the index anew (GoogleCloudPlatform/fda-mystudies #386).
  fields {
    field_path = "__name__"
    order      = each.value.fields[length(each.value.fields) - 1].order == "asc" ? "ASCENDING" : "DESCENDING"
  }
}

resource "google_firestore_field" "this" {
  for_each = local.fields

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  # An empty block removes the automatic indexes, no block keeps them (magic-modules #9170).
  dynamic "index_config" {
    for_each = each.value.indexed ? [] : [1]
    content {}
  }
  dynamic "ttl_config" {
    for_each = each.value.expire_after_days == null ? [] : [1]
    content {
      expiration_offset = "${each.value.expire_after_days * 86400}s"
    }
  }
}

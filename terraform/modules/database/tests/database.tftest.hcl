mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "orderflow-test"
  name       = "orders"
  location   = "us-central1"
  protect    = true
}

run "production_cannot_be_lost" {
  command = plan

  assert {
    condition = alltrue([
      google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED",
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED",
      google_firestore_database.this.deletion_policy == "ABANDON",
      length(google_firestore_backup_schedule.daily) == 1,
    ])
    error_message = "A protected database is recoverable, backed up, and outlives a destroy."
  }
}

run "a_test_project_leaves_nothing_behind" {
  command = plan
  variables {
    protect = false
  }

  assert {
    condition     = google_firestore_database.this.deletion_policy == "DELETE" && google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_DISABLED"
    error_message = "Destroying a test project must delete its databases, or the next apply finds their names taken."
  }
}

run "an_index_ends_with_the_id_in_the_last_direction" {
  command = plan
  variables {
    indexes = [
      { collection = "orders", fields = [{ name = "customer_id", order = "asc" }, { name = "create_time", order = "desc" }] },
      { collection = "orders", fields = [{ name = "sweep_shard", order = "asc" }, { name = "next_attempt_time", order = "asc" }] },
    ]
  }

  assert {
    condition = alltrue([
      for i in google_firestore_index.this : i.fields[length(i.fields) - 1].field_path == "__name__"
      && i.fields[length(i.fields) - 1].order == i.fields[length(i.fields) - 2].order
    ])
    error_message = "An index that does not end with the id is made anew by every apply."
  }
  assert {
    condition     = length(google_firestore_index.this) == 2
    error_message = "Two indexes of a collection must not have one key."
  }
}

run "a_field_loses_its_indexes_or_expires_or_both" {
  command = plan
  variables {
    fields = [
      { collection = "orders", field = "journal" },
      { collection = "notifications", field = "lease_until", expire_after_days = 90 },
      { collection = "others", field = "at", indexed = true, expire_after_days = 1 },
    ]
  }

  assert {
    condition     = length(google_firestore_field.this["orders.journal"].index_config) == 1 && length(google_firestore_field.this["orders.journal"].ttl_config) == 0
    error_message = "A field that is only not indexed must not expire."
  }
  assert {
    condition     = google_firestore_field.this["notifications.lease_until"].ttl_config[0].expiration_offset == "7776000s" && length(google_firestore_field.this["notifications.lease_until"].index_config) == 1
    error_message = "90 days are 7776000 s, and a growing time is not indexed."
  }
  assert {
    condition     = length(google_firestore_field.this["others.at"].index_config) == 0
    error_message = "index_config must be absent where the automatic indexes are to stay."
  }
}

run "one_field_needs_no_index" {
  command = plan
  variables {
    indexes = [{ collection = "orders", fields = [{ name = "create_time", order = "desc" }] }]
  }
  expect_failures = [var.indexes]
}

run "an_order_is_asc_or_desc" {
  command = plan
  variables {
    indexes = [{ collection = "orders", fields = [{ name = "a", order = "asc" }, { name = "b", order = "DESCENDING" }] }]
  }
  expect_failures = [var.indexes]
}

run "the_id_is_ours_to_add" {
  command = plan
  variables {
    indexes = [{ collection = "orders", fields = [{ name = "a", order = "asc" }, { name = "__name__", order = "desc" }] }]
  }
  expect_failures = [var.indexes]
}

run "a_collection_expires_by_one_field" {
  command = plan
  variables {
    fields = [
      { collection = "a", field = "x", expire_after_days = 1 },
      { collection = "a", field = "y", expire_after_days = 1 },
    ]
  }
  expect_failures = [var.fields]
}

run "a_field_that_is_as_every_field_is_left_out" {
  command = plan
  variables {
    fields = [{ collection = "a", field = "x", indexed = true }]
  }
  expect_failures = [var.fields]
}

run "a_backup_lasts_14_weeks_at_most" {
  command = plan
  variables {
    backup_retention_days = 99
  }
  expect_failures = [var.backup_retention_days]
}

run "a_name_of_three_letters_is_refused" {
  command = plan
  variables {
    name = "ord"
  }
  expect_failures = [var.name]
}

mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "orderflow-test"
  name       = "orderflow.event.v1.OrderCreated"
  definition = "syntax = \"proto3\";\nmessage OrderCreated {\n  message Money {\n  }\n  string order_id = 1;\n}\n"
}

run "only_the_event_itself_is_taken" {
  command = apply

  assert {
    condition     = google_pubsub_topic.this.schema_settings[0].encoding == "BINARY" && google_pubsub_topic.this.schema_settings[0].schema == google_pubsub_schema.this.id
    error_message = "The topic must hold what is published against its schema, as binary: so it is published."
  }
  assert {
    condition     = google_pubsub_topic.this.name == google_pubsub_schema.this.name
    error_message = "Topic and schema share the event's name: no table maps them."
  }
  assert {
    condition     = google_pubsub_schema.this.type == "PROTOCOL_BUFFER"
    error_message = "Events are protobuf."
  }
}

run "a_schema_imports_nothing" {
  command = plan
  variables {
    definition = "syntax = \"proto3\";\nimport \"google/protobuf/timestamp.proto\";\nmessage A {\n}\n"
  }
  expect_failures = [var.definition]
}

run "a_schema_has_one_message" {
  command = plan
  variables {
    definition = "syntax = \"proto3\";\nmessage A {\n}\nmessage B {\n}\n"
  }
  expect_failures = [var.definition]
}

run "googles_names_are_googles" {
  command = plan
  variables {
    name = "google.events"
  }
  expect_failures = [var.name]
}

run "a_month_is_the_most" {
  command = plan
  variables {
    retention_days = 32
  }
  expect_failures = [var.retention_days]
}

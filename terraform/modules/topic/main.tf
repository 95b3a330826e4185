# What may be published. A changed definition becomes a new revision, of 20 at most, and the topic takes messages of any of
# them: old code and new publish side by side. Pub/Sub refuses a revision by which what was published could not be read.
resource "google_pubsub_schema" "this" {
  project    = var.project_id
  name       = var.name
  type       = "PROTOCOL_BUFFER"
  definition = var.definition
}

resource "google_pubsub_topic" "this" {
  project                    = var.project_id
  name                       = var.name
  message_retention_duration = "${var.retention_days * 86400}s"

  schema_settings {
    schema   = google_pubsub_schema.this.id
    encoding = "BINARY"
  }
}

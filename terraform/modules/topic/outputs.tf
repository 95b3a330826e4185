output "name" {
  description = "The topic's name, once it is there."
  value       = var.name

  depends_on = [google_pubsub_topic.this]
}

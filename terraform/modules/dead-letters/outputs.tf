# Not with depends_on the subscriptions: what parks a message needs the topic alone, and the unit that keeps it is among them.
output "topic" {
  description = "The topic's name, once it is there and Pub/Sub may publish to it."
  value       = local.topic

  depends_on = [google_pubsub_topic.this, google_pubsub_topic_iam_member.gives_up]
}

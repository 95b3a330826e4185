output "buckets" {
  description = "The buckets' names by what they hold: uploads, reports."
  value       = { for k, b in google_storage_bucket.this : k => b.name }
}

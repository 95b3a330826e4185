output "name" {
  description = "The database, once it is there and answers what its indexes are for."
  value       = var.name

  depends_on = [google_firestore_database.this, google_firestore_index.this]
}

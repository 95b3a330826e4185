# Everything that the unit may do, each on the one thing it is for. Who may call it is said by its callers.

resource "google_project_iam_member" "logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = module.account.member
}

# Firestore has no IAM policy of a database's own: the role is granted on the project, for one database
# (https://cloud.google.com/firestore/docs/manage-databases#configure_per-database_access_permissions).
resource "google_project_iam_member" "databases" {
  for_each = var.databases

  project = var.project_id
  role    = each.value == "write" ? "roles/datastore.user" : "roles/datastore.viewer"
  member  = module.account.member

  condition {
    title       = "database-${each.key}"
    description = "Only the database ${each.key}."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${each.key}\""
  }
}

# Whoever writes objects also copies, composes and deletes them. Neither role may change the bucket or who may use it.
resource "google_storage_bucket_iam_member" "buckets" {
  for_each = var.buckets

  bucket = each.key
  role   = each.value == "write" ? "roles/storage.objectUser" : "roles/storage.objectViewer"
  member = module.account.member
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = var.topics

  project = var.project_id
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = module.account.member
}

# A workflow has no IAM policy of its own: the role is the project's. There is one workflow.
resource "google_project_iam_member" "starts" {
  count = var.starts_workflows ? 1 : 0

  project = var.project_id
  role    = "roles/workflows.invoker"
  member  = module.account.member
}

# The secrets themselves are not Terraform's: their values must be there before the first apply, and would be in its state.
resource "google_secret_manager_secret_iam_member" "reads" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = module.account.member
}

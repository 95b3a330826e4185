locals {
  # An id has 6 to 30 characters and does not end with a hyphen (an IAM limit).
  id    = trimsuffix(substr(var.name, 0, 30), "-")
  email = "${local.id}@${var.project_id}.iam.gserviceaccount.com"
}

resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = local.id
  display_name = substr(var.purpose, 0, 100)
}

# Who deploys decides what runs as which account, and so must be allowed to act as it: as this one, never as all of the
# project's.
resource "google_service_account_iam_member" "deployer" {
  count = var.deployer == null ? 0 : 1

  service_account_id = google_service_account.this.name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${var.deployer}"
}

# Whatever uses the account is made right after, and the grant would not hold yet.
resource "time_sleep" "propagation" {
  count = var.deployer == null ? 0 : 1

  create_duration = "60s"

  depends_on = [google_service_account_iam_member.deployer]
}

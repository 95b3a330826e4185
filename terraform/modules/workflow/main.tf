module "account" {
  source = "../account"

  project_id = var.project_id
  name       = var.name
  purpose    = "Runs the workflow ${var.name}"
  deployer   = var.deployer
}

# A workflow logs its calls as itself.
resource "google_project_iam_member" "logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = module.account.member
}

resource "google_cloud_run_v2_service_iam_member" "calls" {
  for_each = var.calls

  project  = var.project_id
  location = var.region
  name     = each.value.unit
  role     = "roles/run.invoker"
  member   = module.account.member
}

# The file is taken as it is, never as a template: it is the one that runs locally, and its ${…} are its own.
resource "google_workflows_workflow" "this" {
  project         = var.project_id
  region          = var.region
  name            = var.name
  description     = var.description
  source_contents = var.definition
  service_account = module.account.name

  user_env_vars = { for name, c in var.calls : "${upper(replace(name, "-", "_"))}_URL" => c.url }

  call_log_level      = var.call_log_level
  deletion_protection = var.protect

  depends_on = [google_cloud_run_v2_service_iam_member.calls, google_project_iam_member.logs]
}

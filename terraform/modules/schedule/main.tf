# The calls come as an account that may call this unit and nothing else.
module "caller" {
  source = "../account"

  project_id = var.project_id
  name       = "cron-${var.unit}"
  purpose    = "Calls ${var.unit} on schedule"
  deployer   = var.deployer
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  project  = var.project_id
  location = var.region
  name     = var.unit
  role     = "roles/run.invoker"
  member   = module.caller.member
}

resource "google_cloud_scheduler_job" "this" {
  project     = var.project_id
  region      = var.region
  name        = var.unit
  description = var.description
  schedule    = var.schedule
  time_zone   = "Etc/UTC"

  # The unit ends before its caller gives up on it. Cloud Scheduler takes 15 s to 30 min.
  attempt_deadline = "${min(1800, max(15, var.timeout_seconds + 10))}s"

  # A run that failed is tried once more. After that comes the next one, which finds what this one left.
  retry_config {
    retry_count          = 1
    min_backoff_duration = "5s"
  }

  http_target {
    http_method = "POST"
    uri         = var.url
    body        = base64encode("{}")
    headers     = { "Content-Type" = "application/json" }

    # By default the audience is the whole URI; Cloud Run admits its root only.
    oidc_token {
      service_account_email = module.caller.email
      audience              = var.url
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.caller]
}

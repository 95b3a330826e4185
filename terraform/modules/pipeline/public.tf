module "gateway" {
  source = "../gateway"

  project_id = local.project_id
  region     = coalesce(var.gateway_region, var.region)
  units      = local.units
  urls       = { for name, u in local.units : name => u.url }
  quota      = var.quota
  deployer   = var.deployer
  jwt = {
    issuer    = var.customers.issuer
    jwks_uri  = var.customers.jwks_uri
    audiences = [var.customers.audience]
  }
}

# The gateway calls functions as itself, so that none is open to all users.
resource "google_cloud_run_v2_service_iam_member" "gateway" {
  for_each = { for name, u in local.units : name => u if u.trigger.http != null || u.trigger.webhook != null }

  project  = local.project_id
  location = var.region
  name     = module.unit[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${module.gateway.service_account_email}"
}

module "edge" {
  source = "../edge"
  count  = var.edge == null ? 0 : 1

  project_id = local.project_id
  gateway    = { id = module.gateway.gateway_id, region = module.gateway.region }
  domains    = var.edge.domains

  rate_limit   = var.edge.rate_limit
  waf_enforced = var.edge.waf_enforced
}

module "observability" {
  source = "../observability"

  project_id            = local.project_id
  units                 = local.units
  emails                = var.emails
  notification_channels = var.notification_channels
  runbook_url           = var.runbook_url
}

module "budget" {
  source = "../budget"
  count  = var.budget == null ? 0 : 1

  project_id            = local.project_id
  project_number        = var.project_number
  billing_account       = var.budget.billing_account
  monthly_amount        = var.budget.monthly_amount
  notification_channels = module.observability.notification_channels
}

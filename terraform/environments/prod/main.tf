# What customers use: what holds data or carries orders is protected and backed up, and who takes their orders and their
# money is awake.
module "pipeline" {
  source = "../../modules/pipeline"

  project_id            = var.project_id
  project_number        = data.google_project.this.number
  region                = var.region
  database_location     = var.database_location
  gateway_region        = var.gateway_region
  bundles               = var.bundles
  bundles_folder        = "${path.root}/../../../dist"
  customers             = var.customers
  settings              = merge(var.settings, { payment = merge(lookup(var.settings, "payment", {}), { PAYMENT_PROVIDER_URL = var.payment_provider_url }) })
  min_instances         = var.min_instances
  protect               = true
  quota                 = var.quota
  edge                  = var.edge
  budget                = var.budget
  emails                = var.emails
  notification_channels = var.notification_channels
  runbook_url           = var.runbook_url
  deployer              = var.deployer
}

data "google_project" "this" {
  project_id = var.project_id
}

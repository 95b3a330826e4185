# A project that comes and goes: nothing is kept warm, protected or backed up, and destroy leaves nothing behind.
module "pipeline" {
  source = "../../modules/pipeline"

  project_id     = var.project_id
  project_number = data.google_project.this.number
  region         = var.region
  bundles        = var.bundles
  bundles_folder = "${path.root}/../../../dist"
  customers      = var.customers
  settings       = merge(var.settings, { payment = merge(lookup(var.settings, "payment", {}), { PAYMENT_PROVIDER_URL = var.payment_provider_url }) })
  protect        = false
  emails         = var.emails
  runbook_url    = var.runbook_url
  deployer       = var.deployer
}

data "google_project" "this" {
  project_id = var.project_id
}

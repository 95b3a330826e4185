module "tree" {
  source = "../tree"

  root   = coalesce(var.source_root, "${path.module}/../../..")
  events = keys(local.schemas)
}

locals {
  # Known before anything exists, so that a workflow and the functions it calls can name each other. Cloud Run gives every
  # service this URL where NAME-PROJECT_NUMBER is a DNS label, and takes it as the audience of a token
  # (https://cloud.google.com/run/docs/triggering/https-request#deterministic).
  units = {
    for name, u in module.tree.units : name => merge(u, { url = "https://${name}-${var.project_number}.${var.region}.run.app" })
  }

  schemas = {
    for f in fileset(path.module, "schemas/*.proto") : trimsuffix(basename(f), ".proto") => file("${path.module}/${f}")
  }
}

module "foundation" {
  source = "../foundation"

  project_id     = var.project_id
  project_number = var.project_number
  services = concat(
    ["apigateway.googleapis.com", "servicecontrol.googleapis.com", "servicemanagement.googleapis.com"],
    var.edge == null ? [] : ["compute.googleapis.com"],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
  )
}

locals {
  project_id = module.foundation.project_id # once the project is ready
}

module "delivery" {
  source = "../delivery"

  project_id     = local.project_id
  project_number = var.project_number
  region         = var.region
  deployer       = var.deployer
  protect        = var.protect
}

module "database" {
  source   = "../database"
  for_each = module.tree.databases

  project_id = local.project_id
  name       = each.key
  location   = coalesce(var.database_location, var.region)
  protect    = var.protect
  indexes    = each.value.indexes
  fields     = each.value.fields
}

module "uploads" {
  source = "../uploads"

  project_id     = local.project_id
  project_number = var.project_number
  region         = var.region
  units          = { for name, u in local.units : name => module.unit[name].name if u.trigger.uploads }
  keep_days      = var.keep_uploads_days
  protect        = var.protect
  deployer       = var.deployer
}

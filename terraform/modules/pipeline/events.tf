module "topic" {
  source   = "../topic"
  for_each = local.schemas

  project_id = local.project_id
  name       = each.key
  definition = each.value
}

module "archive" {
  source = "../archive"

  project_id     = local.project_id
  project_number = var.project_number
  region         = var.region
  topics         = { for name in keys(local.schemas) : name => module.topic[name].name }
  keep_days      = var.keep_archive_days
  protect        = var.protect
}

module "subscription" {
  source   = "../subscription"
  for_each = { for name, u in local.units : name => u if length(u.trigger.events) > 0 }

  project_id        = local.project_id
  project_number    = var.project_number
  region            = var.region
  unit              = module.unit[each.key].name
  url               = each.value.url
  timeout_seconds   = each.value.seconds
  dead_letter_topic = module.dead_letters.topic
  deployer          = var.deployer
  events = {
    for e, t in each.value.trigger.events : e => { topic = module.topic[t.topic].name, filter = t.filter }
  }
}

locals {
  parker = one([for name, u in local.units : name if u.trigger.dead_letters])
}

module "dead_letters" {
  source = "../dead-letters"

  project_id      = local.project_id
  project_number  = var.project_number
  region          = var.region
  unit            = module.unit[local.parker].name
  url             = local.units[local.parker].url
  timeout_seconds = local.units[local.parker].seconds
  deployer        = var.deployer
}

module "schedule" {
  source   = "../schedule"
  for_each = { for name, u in local.units : name => u if u.trigger.schedule != null }

  project_id      = local.project_id
  region          = var.region
  unit            = module.unit[each.key].name
  description     = each.value.summary
  url             = each.value.url
  schedule        = each.value.trigger.schedule
  timeout_seconds = each.value.seconds
  deployer        = var.deployer
}

module "workflow" {
  source   = "../workflow"
  for_each = module.tree.workflows

  project_id  = local.project_id
  region      = var.region
  name        = each.key
  description = trimprefix(split("\n", each.value)[0], "# ")
  definition  = each.value
  protect     = var.protect
  deployer    = var.deployer

  # Its steps, and the services that name it among their callers.
  calls = {
    for name, u in local.units : name => { unit = module.unit[name].name, url = u.url }
    if u.trigger.saga == each.key || contains(u.callers, each.key)
  }
}

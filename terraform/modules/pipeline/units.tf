locals {
  # What a unit is told of its surroundings, by what its yaml says that it uses.
  env = {
    for name, u in local.units : name => merge(
      { for callee in u.calls : "${upper(replace(callee, "-", "_"))}_URL" => local.units[callee].url },
      length(u.starts) == 0 ? {} : { WORKFLOW_LOCATION = var.region },
      # Who verifies a customer's token: the gateway did, and a function does not take its word.
      u.trigger.http == null ? {} : { OIDC_ISSUER = var.customers.issuer, OIDC_AUDIENCE = var.customers.audience },
      # What one customer may have under way on an instance (docs/decisions/0018).
      u.trigger.http == null ? {} : { CUSTOMER_CONCURRENCY = tostring(max(1, floor(u.concurrency / 4))) },
      # Also who only reads imports names their reports.
      { for b, bucket in module.uploads.buckets : "${upper(b)}_BUCKET" => bucket if contains(keys(u.databases), "imports") },
      lookup(var.settings, name, {}),
    )
  }
}

module "unit" {
  source   = "../unit"
  for_each = local.units

  project_id = local.project_id
  region     = var.region
  name       = each.key
  kind       = each.value.kind
  url        = each.value.url
  summary    = each.value.summary
  bundle     = "${var.bundles_folder}/${lookup(var.bundles, each.key, "")}"
  delivery   = module.delivery
  deployer   = var.deployer
  protect    = var.protect

  env              = local.env[each.key]
  secrets          = each.value.secrets
  databases        = { for d, access in each.value.databases : module.database[d].name => access }
  buckets          = { for b, access in each.value.buckets : module.uploads.buckets[b] => access }
  starts_workflows = length(each.value.starts) > 0
  topics = merge(
    { for t in each.value.publishes : t => module.topic[t].name },
    # Who takes events parks those that can never be handled.
    length(each.value.trigger.events) == 0 ? {} : { dead-letters = module.dead_letters.topic },
  )

  # The gateway, functions and services call from outside of any network of ours: IAM alone admits them. So it does workflows,
  # whose calls Cloud Run counts as internal where it knows them for the project's own.
  internal = anytrue([
    length(each.value.trigger.events) > 0,
    each.value.trigger.dead_letters,
    each.value.trigger.uploads,
    each.value.trigger.schedule != null,
  ])

  cpu             = each.value.cpu
  memory          = each.value.memory
  timeout_seconds = each.value.seconds
  concurrency     = each.value.concurrency
  min_instances   = max(each.value.min_instances, lookup(var.min_instances, each.key, 0))
  max_instances   = each.value.max_instances

  # A service that asks for a warm instance, whatever the environment, does so because it works between requests.
  cpu_always = each.value.kind == "service" && each.value.min_instances > 0
}

# Units that call services. run.invoker belongs on the Cloud Run service, never on the function: there it is refused.
resource "google_cloud_run_v2_service_iam_member" "call" {
  for_each = merge([
    for name, u in local.units : { for callee in u.calls : "${name}.${callee}" => { caller = name, callee = callee } }
  ]...)

  project  = local.project_id
  location = var.region
  name     = module.unit[each.value.callee].name
  role     = "roles/run.invoker"
  member   = module.unit[each.value.caller].member
}

locals {
  files = {
    for f in setunion(fileset(var.root, "functions/*/*/function.yaml"), fileset(var.root, "services/*/service.yaml")) :
    basename(dirname(f)) => f # two folders of one name are an error here
  }
  yaml = { for name, f in local.files : name => yamldecode(file("${var.root}/${f}")) }

  # Every unit as its yaml says, and what that leaves out. The fields are internal/unit's.
  units = {
    for name, y in local.yaml : name => {
      kind      = startswith(local.files[name], "services/") ? "service" : "function"
      summary   = y.summary
      callers   = toset(try(y.callers, []))
      databases = { for d, access in try(y.databases, {}) : d => access }
      buckets   = { for b, access in try(y.buckets, {}) : b => access }
      publishes = toset([for e in try(y.publishes, []) : "${local.package}.${e}"])
      calls     = toset(try(y.calls, []))
      starts    = toset(try(y.starts, []))
      secrets   = toset(try(y.secrets, []))

      cpu           = y.cpu
      memory        = y.memory
      timeout       = y.timeout
      seconds       = tonumber(trimsuffix(y.timeout, "s"))
      concurrency   = y.concurrency
      min_instances = try(y.min_instances, 0)
      max_instances = y.max_instances

      trigger = {
        http         = try(y.trigger.http, null)
        webhook      = try(y.trigger.webhook, null)
        saga         = try(y.trigger.saga, "")
        schedule     = try(y.trigger.schedule, null)
        dead_letters = try(y.trigger.dead_letters, false)
        uploads      = try(y.trigger.uploads, false)
        events = {
          for e in try(y.trigger.events, []) : e.type => { topic = "${local.package}.${e.type}", filter = try(e.filter, "") }
        }
      }
    }
  }

  package = "orderflow.event.v1"
  workflows = {
    for f in fileset(var.root, "workflows/*.yaml") : trimsuffix(basename(f), ".yaml") => file("${var.root}/${f}")
  }
  databases = toset(flatten([for u in local.units : keys(u.databases)]))
  indexes   = yamldecode(file("${var.root}/internal/store/indexes.yaml"))
  fields    = yamldecode(file("${var.root}/internal/store/fields.yaml"))

  # What is wrong, in words. Each is the names that a thing says, less those that there are.
  unknown = {
    "events without a schema (right name? a new one: go generate ./scripts/schemas)" = setsubtract(
      flatten([for u in local.units : concat(tolist(u.publishes), values(u.trigger.events)[*].topic)]), var.events
    )
    "calls to what is no service" = setsubtract(
      flatten([for u in local.units : tolist(u.calls)]), [for name, u in local.units : name if u.kind == "service"]
    )
    "workflows without a file in workflows/" = setsubtract(
      flatten([for u in local.units : concat(tolist(u.starts), compact([u.trigger.saga]))]), keys(local.workflows)
    )
    "buckets that are not there (there are uploads and reports)" = setsubtract(
      flatten([for u in local.units : keys(u.buckets)]), ["uploads", "reports"]
    )
    "databases with an index or a field, which no unit opens" = setsubtract(
      concat(local.indexes[*].database, local.fields[*].database), local.databases
    )
  }
}

output "units" {
  description = "Every function and service by its name, as its function.yaml or service.yaml says, with every field set."
  value       = local.units

  precondition {
    condition     = length(local.units) > 0
    error_message = "No unit was found under ${var.root}: it is not the root of the repository."
  }
  precondition {
    condition     = length(distinct([for name in keys(local.units) : substr(name, 0, 23)])) == length(local.units)
    error_message = "Two units have the same first 23 letters: their accounts (events-…, 30 letters) would be one."
  }
  precondition {
    condition     = length([for name, u in local.units : name if u.trigger.dead_letters]) == 1
    error_message = "There is one dead-letter topic: exactly one unit has trigger.dead_letters."
  }
  precondition {
    condition     = alltrue([for names in local.unknown : length(names) == 0])
    error_message = join("; ", [for what, names in local.unknown : "The tree names ${what}: ${join(", ", names)}" if length(names) > 0])
  }
}

output "workflows" {
  description = "The text of every workflow by its name."
  value       = local.workflows
}

output "databases" {
  description = "Every database that a unit opens, with its indexes and the fields that are treated in a way of their own."
  value = {
    for d in local.databases : d => {
      indexes = [for i in local.indexes : i if i.database == d]
      fields  = [for f in local.fields : f if f.database == d]
    }
  }
}

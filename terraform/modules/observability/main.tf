locals {
  # Units that work through batches, such as the chunks of a file: that their messages wait and their instances are all
  # busy is their way of working.
  batch = [for name, u in var.units : name if tonumber(trimsuffix(u.timeout, "s")) > 60]

  # Units that run every minute: when one is silent, something is wrong.
  every_minute = [for name, u in var.units : name if try(startswith(u.trigger.schedule, "* * "), false)]

  channels = concat([for c in google_monitoring_notification_channel.email : c.id], var.notification_channels)
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.emails

  project      = var.project_id
  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
}

# Metrics of the lines that every invocation writes (internal/platform/telemetry).

locals {
  # Ages, in seconds, that sweeps log, and from which on they are too old. A threshold is a bound of the buckets below, so
  # that a percentile, which is a guess within a bucket, never mistakes its side.
  ages = {
    overdue     = { field = "overdue_s", threshold = 900, description = "How long ago the oldest unfinished order should have ended." }
    unpublished = { field = "unpublished_s", threshold = 300, description = "How long the oldest event that a sweep could not publish has been in its journal." }
    stalled     = { field = "stalled_s", threshold = 3600, description = "How long nothing has happened to the most quiet unfinished import." }
  }
  age_bounds = [1, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 604800]

  counters = {
    # Our own lines and the platform's, such as "Memory limit exceeded", but not the log of requests: 5xx have an alert of
    # their own. A refusal of a customer is a WARNING: no stranger can raise this.
    errors = {
      filter      = "resource.type=\"cloud_run_revision\" AND severity>=ERROR AND NOT logName:\"run.googleapis.com%2Frequests\""
      description = "Lines that need a person, by service_name."
    }
    money_differences = {
      filter      = "resource.type=\"cloud_run_revision\" AND jsonPayload.money_differences>0"
      description = "Runs of reconcile-payments that found money about which the provider and the payments do not agree."
    }
    schedule_failures = {
      filter      = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR"
      description = "Calls of Cloud Scheduler that failed, by job_id."
    }
  }
}

resource "google_logging_metric" "age" {
  for_each = local.ages

  project         = var.project_id
  name            = "orderflow_${each.key}"
  description     = each.value.description
  filter          = "resource.type=\"cloud_run_revision\" AND jsonPayload.${each.value.field}:*"
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "s"
  }

  bucket_options {
    explicit_buckets {
      bounds = local.age_bounds
    }
  }
}

resource "google_logging_metric" "count" {
  for_each = local.counters

  project     = var.project_id
  name        = "orderflow_${each.key}"
  description = each.value.description
  filter      = each.value.filter

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

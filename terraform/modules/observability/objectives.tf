# Objectives, and an alert when one's error budget burns: fast (14.4 times as fast as it may, over an hour and still: 2 % of
# 28 days' budget in an hour) and slowly (6 times, over six hours). Google's SRE workbook, "Alerting on SLOs".

locals {
  intake_requests = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.intake}\""
  intake_failures = "${local.intake_requests} AND metric.labels.response_code_class=\"5xx\""
  executions      = "metric.type=\"workflows.googleapis.com/finished_execution_count\" AND resource.type=\"workflows.googleapis.com/Workflow\" AND resource.labels.workflow_id=\"${var.workflow}\""

  # Of answered requests only: a fast failure is no quick answer.
  intake_latencies = "metric.type=\"run.googleapis.com/request_latencies\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.intake}\" AND metric.labels.response_code_class=\"2xx\""

  # at_least: how many of the requests that `of` selects a window must have had before anybody is told. In a quiet night one
  # unlucky request is all there is, and no reason to get up.
  objectives = {
    availability = {
      title    = "Intake is failing"
      meaning  = "Customers cannot place orders: too many of their requests are answered 5xx."
      goal     = var.objectives.availability
      total    = local.intake_requests
      bad      = local.intake_failures
      cut      = null
      of       = local.intake_failures
      at_least = 3
      severity = { fast = "CRITICAL", slow = "ERROR" }
    }
    latency-95 = {
      title    = "Intake is slow"
      meaning  = "Placing an order takes too long for more than one customer in twenty."
      goal     = 0.95
      total    = null
      bad      = null
      cut      = var.objectives.latency_95
      of       = local.intake_requests
      at_least = 100
      severity = { fast = "ERROR", slow = "WARNING" }
    }
    latency-99 = {
      title    = "Intake is slow"
      meaning  = "Placing an order takes far too long for more than one customer in a hundred."
      goal     = 0.99
      total    = null
      bad      = null
      cut      = var.objectives.latency_99
      of       = local.intake_requests
      at_least = 100
      severity = { fast = "ERROR", slow = "WARNING" }
    }
    fulfilment = {
      title    = "Sagas are failing"
      meaning  = "Orders are taken but not carried to their ends: too many executions of the workflow fail. Refused orders end well and do not count."
      goal     = var.objectives.fulfilment
      total    = local.executions
      bad      = "${local.executions} AND metric.labels.status=\"FAILED\""
      cut      = null
      of       = "${local.executions} AND metric.labels.status=\"FAILED\""
      at_least = 3
      severity = { fast = "CRITICAL", slow = "ERROR" }
    }
  }

  burns = {
    fast = { rate = 14.4, long = 3600, short = 300 }
    slow = { rate = 6, long = 21600, short = 1800 }
  }
}

resource "google_monitoring_custom_service" "this" {
  project      = var.project_id
  service_id   = "orderflow"
  display_name = "Orderflow"
}

resource "google_monitoring_slo" "this" {
  for_each = local.objectives

  project             = var.project_id
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = each.key
  display_name        = each.value.cut == null ? "${each.key}: ${each.value.goal * 100} %" : "${each.value.goal * 100} % within ${each.value.cut} ms"
  goal                = each.value.goal
  rolling_period_days = 28

  request_based_sli {
    dynamic "good_total_ratio" {
      for_each = each.value.cut == null ? [each.value] : []
      content {
        total_service_filter = good_total_ratio.value.total
        bad_service_filter   = good_total_ratio.value.bad
      }
    }
    dynamic "distribution_cut" {
      for_each = each.value.cut == null ? [] : [each.value]
      content {
        distribution_filter = local.intake_latencies
        range {
          max = distribution_cut.value.cut
        }
      }
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = merge([
    for key, o in local.objectives : {
      for speed, b in local.burns : "${key}-${speed}" => { objective = key, speed = speed, burn = b }
    }
  ]...)

  project               = var.project_id
  display_name          = "${local.objectives[each.value.objective].title}: ${each.value.objective}, ${each.value.speed}"
  severity              = local.objectives[each.value.objective].severity[each.value.speed]
  combiner              = "AND"
  notification_channels = local.channels

  # Over the long window it is worth it, over the short one it is still going on.
  dynamic "conditions" {
    for_each = [each.value.burn.long, each.value.burn.short]
    content {
      display_name = "${each.value.burn.rate} times the budget over ${conditions.value / 60} minutes"
      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.this[each.value.objective].name}\", \"${conditions.value}s\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.burn.rate
        duration        = "0s"
      }
    }
  }

  conditions {
    display_name = "at least ${local.objectives[each.value.objective].at_least} of them"
    condition_threshold {
      filter          = local.objectives[each.value.objective].of
      comparison      = "COMPARISON_GT"
      threshold_value = local.objectives[each.value.objective].at_least - 1
      duration        = "0s"
      aggregations {
        alignment_period     = "${each.value.burn.long}s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    subject   = "${local.objectives[each.value.objective].title} (${var.project_id})"
    mime_type = "text/markdown"
    content   = local.documentation[each.value.objective]

    links {
      display_name = "Runbook"
      url          = "${var.runbook_url}#${local.runbook[each.value.objective]}"
    }
  }

  alert_strategy {
    auto_close           = "1800s"
    notification_prompts = ["OPENED", "CLOSED"]
  }
}

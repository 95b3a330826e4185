# Every alert is one PromQL expression. Google refuses a condition on a log-based metric that nobody has written yet
# ("Cannot find metric(s) that match", terraform-provider-google #11102), so a first apply would fail; of PromQL alone it
# does not have to know the metric (#20491).
#
# CRITICAL: get up, customers are hurt. ERROR: today. WARNING: this week.

locals {
  requests  = "run_googleapis_com:request_count"
  instances = "run_googleapis_com:container_instance_count"
  revision  = "monitored_resource=\"cloud_run_revision\""
  user      = "logging_googleapis_com:user_orderflow"
  gateway   = "apigateway_googleapis_com:proxy_request_count{monitored_resource=\"apigateway.googleapis.com/Gateway\"}"

  gateway_failures = replace(local.gateway, "}", ", response_code_class=\"5xx\"}")

  subscription = "monitored_resource=\"pubsub_subscription\""
  database     = "monitored_resource=\"firestore.googleapis.com/Database\""
  waiting      = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"

  # A subscription is called as its unit, or that, a dot and the event; Eventarc's own has the unit's trigger in its name. In
  # "dead-letters" messages wait for people.
  dead_letters        = "dead-letters"
  batch_subscriptions = "(eventarc-.*-)?(${join("|", local.batch)})([.-].*)?"

  # Units by how many instances they may have. One with a single instance is meant to have it.
  interactive = { for name, u in var.units : name => u.max_instances if u.max_instances > 1 && !contains(local.batch, name) }
  by_limit    = { for limit in distinct(values(local.interactive)) : tostring(limit) => [for name, max in local.interactive : name if max == limit] }

  alerts = {
    dead-letter = {
      title    = "Dead letter arrived"
      severity = "ERROR"
      meaning  = "An event was given up on: its effect is missing until somebody replays it. This stays until the message in the subscription dead-letters is acknowledged."
      wait     = "0s"
      query    = <<-EOT
        max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.subscription}, subscription_id="${local.dead_letters}"}) > 0
        or
        sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_dead_letter_message_count{${local.subscription}}[10m])) > 0
      EOT
    }

    messages-waiting = {
      title    = "Messages are waiting"
      severity = "ERROR"
      meaning  = "Events are not consumed: whatever they should cause is late."
      wait     = "300s"
      query    = <<-EOT
        max by (subscription_id) (${local.waiting}{${local.subscription}, subscription_id!~"${local.dead_letters}|${local.batch_subscriptions}"}) > 600
        or
        max by (subscription_id) (${local.waiting}{${local.subscription}, subscription_id=~"${local.batch_subscriptions}"}) > 14400
      EOT
    }

    order-overdue = {
      title    = "Orders are overdue"
      severity = "CRITICAL"
      meaning  = "An order is neither confirmed nor cancelled a quarter of an hour after it should have been: money or stock may be held for nothing."
      wait     = "0s"
      query    = local.age_query["overdue"]
    }

    events-unpublished = {
      title    = "Events are not published"
      severity = "CRITICAL"
      meaning  = "What was decided is stored, but nobody hears of it: orders stand still."
      wait     = "0s"
      query    = local.age_query["unpublished"]
    }

    import-stalled = {
      title    = "An import stands still"
      severity = "ERROR"
      meaning  = "Nothing has happened to an uploaded file for an hour."
      wait     = "0s"
      query    = local.age_query["stalled"]
    }

    # There is one run a day: what it found stands until the next has looked.
    money-differs = {
      title    = "Money does not agree"
      severity = "ERROR"
      meaning  = "The payment provider's ledger and the payments do not agree about money that moved."
      wait     = "0s"
      query    = "sum(increase(${local.user}_money_differences{${local.revision}}[1d])) > 0"
    }

    unit-failing = {
      title    = "A unit answers 5xx"
      severity = "ERROR"
      meaning  = "More than a twentieth of a unit's requests end in our own trouble. Refusals are 4xx and do not count."
      wait     = "300s"
      query    = <<-EOT
        sum by (service_name) (increase(${local.requests}{${local.revision}, response_code_class="5xx"}[10m]))
        / sum by (service_name) (increase(${local.requests}{${local.revision}}[10m])) > 0.05
        and
        sum by (service_name) (increase(${local.requests}{${local.revision}, response_code_class="5xx"}[10m])) > 5
      EOT
    }

    gateway-failing = {
      title    = "The gateway answers 5xx"
      severity = "ERROR"
      meaning  = "More than a twentieth of the public API's requests fail, perhaps before any function sees them."
      wait     = "300s"
      query    = <<-EOT
        sum(increase(${local.gateway_failures}[10m]))
        / sum(increase(${local.gateway}[10m])) > 0.05
        and
        sum(increase(${local.gateway_failures}[10m])) > 5
      EOT
    }

    error-logged = {
      title    = "An error was logged"
      severity = "WARNING"
      meaning  = "A unit met what its code says needs a person: a bug, lost data, a missing right or resource."
      wait     = "0s"
      query    = "sum by (service_name) (increase(${local.user}_errors{${local.revision}}[10m])) > 0"
    }

    instances-saturated = {
      title    = "A unit has all its instances"
      severity = "WARNING"
      meaning  = "A unit has needed at least nine tenths of its max_instances for a quarter of an hour: more load is refused with 429."
      wait     = "900s"
      query = join("\nor\n", [
        for limit, names in local.by_limit :
        "sum by (service_name) (max_over_time(${local.instances}{${local.revision}, state=\"active\", service_name=~\"${join("|", names)}\"}[5m])) >= ${ceil(tonumber(limit) * 0.9)}"
      ])
    }

    # A silent metric raises nothing, so silence is asked for: absent_over_time answers also where nothing ever was.
    scheduled-run-missing = {
      title    = "A scheduled run is missing"
      severity = "ERROR"
      meaning  = "A sweep does not run, or never succeeds: what crashes leave behind stays."
      wait     = "300s"
      query = join("\nor\n", concat(
        [for name in local.every_minute : "absent_over_time(${local.requests}{${local.revision}, response_code_class=\"2xx\", service_name=\"${name}\"}[15m])"],
        ["sum by (job_id) (increase(${local.user}_schedule_failures{monitored_resource=\"cloud_scheduler_job\", job_id!~\"${join("|", local.every_minute)}\"}[1h])) > 0"],
      ))
    }

    # ABORTED, ALREADY_EXISTS, FAILED_PRECONDITION and NOT_FOUND are how optimistic writes meet: the code expects them.
    firestore-failing = {
      title    = "Firestore answers errors"
      severity = "ERROR"
      meaning  = "A database refuses or fails requests that should have worked."
      wait     = "300s"
      query    = <<-EOT
        sum by (database_id, response_code) (increase(firestore_googleapis_com:api_request_count{${local.database}, response_code=~"UNAVAILABLE|INTERNAL|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|PERMISSION_DENIED|UNAUTHENTICATED|DATA_LOSS|UNKNOWN"}[5m])) > 20
      EOT
    }
  }

  # The oldest of the last quarter of an hour, which is longer than the longest backoff of what a sweep looks at.
  age_query = {
    for key, age in local.ages : key =>
    "histogram_quantile(0.99, sum by (le) (increase(${local.user}_${key}_bucket{${local.revision}}[15m]))) > ${age.threshold}"
  }

  titles = merge({ for key, a in local.alerts : key => a.title }, { for key, o in local.objectives : key => o.title })

  # Headings of docs/runbook.md, as a page of Markdown makes anchors of them: every alert's title is one.
  runbook = { for key, title in local.titles : key => replace(lower(title), " ", "-") }

  documentation = {
    for key, meaning in merge({ for key, a in local.alerts : key => a.meaning }, { for key, o in local.objectives : key => o.meaning }) :
    key => "${meaning}\n\nWhat to do: ${var.runbook_url}#${local.runbook[key]}"
  }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  project               = var.project_id
  display_name          = each.value.title
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      query                     = trimspace(each.value.query)
      duration                  = each.value.wait
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }

  documentation {
    subject   = "${each.value.title} (${var.project_id})"
    mime_type = "text/markdown"
    content   = local.documentation[each.key]

    links {
      display_name = "Runbook"
      url          = "${var.runbook_url}#${local.runbook[each.key]}"
    }
  }

  alert_strategy {
    auto_close           = "1800s"
    notification_prompts = ["OPENED", "CLOSED"]
  }

  depends_on = [google_logging_metric.age, google_logging_metric.count]
}

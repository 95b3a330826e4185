mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "orderflow-test"
  emails     = ["oncall@example.com"]
  units = {
    place-order      = { timeout = "10s", max_instances = 50 }
    start-fulfilment = { timeout = "30s", max_instances = 20 }
    notify-customer  = { timeout = "30s", max_instances = 10 }
    import-chunk     = { timeout = "300s", max_instances = 10 }
    plan-import      = { timeout = "540s", max_instances = 10 }
    sweep-orders     = { timeout = "50s", max_instances = 1, trigger = { schedule = "* * * * *" } }
    sweep-journals   = { timeout = "50s", max_instances = 1, trigger = { schedule = "* * * * *" } }
    tidy-up          = { timeout = "50s", max_instances = 1, trigger = { schedule = "0 3 * * *" } }
  }
}

run "every_alert_says_what_to_do" {
  command = plan

  assert {
    condition = alltrue([
      for key, a in merge(google_monitoring_alert_policy.this, google_monitoring_alert_policy.burn) : anytrue([
        for anchor in values(output.runbook) : endswith(a.documentation[0].content, "What to do: ${var.runbook_url}#${anchor}")
        && a.documentation[0].links[0].url == "${var.runbook_url}#${anchor}"
      ])
    ])
    error_message = "An alert does not link its heading of the runbook."
  }
  assert {
    condition     = toset(keys(output.runbook)) == setunion(keys(google_monitoring_alert_policy.this), keys(google_monitoring_slo.this))
    error_message = "Alerts, objectives and headings are not the same."
  }
  assert {
    condition     = alltrue([for anchor in values(output.runbook) : can(regex("^[a-z0-9-]+$", anchor))])
    error_message = "A title makes no anchor: letters, digits and spaces only."
  }
  assert {
    condition = alltrue([
      for a in merge(google_monitoring_alert_policy.this, google_monitoring_alert_policy.burn) :
      contains(["CRITICAL", "ERROR", "WARNING"], a.severity)
    ])
    error_message = "An alert does not say how urgent it is."
  }
  assert {
    condition = alltrue([
      for a in merge(google_monitoring_alert_policy.this, google_monitoring_alert_policy.burn) :
      a.alert_strategy[0].auto_close == "1800s" && a.enabled != false
    ])
    error_message = "An alert stays open for ever, or is off."
  }
}

run "a_first_apply_knows_no_metric_yet" {
  command = plan

  assert {
    condition = alltrue([
      for a in google_monitoring_alert_policy.this :
      length(a.conditions) == 1 && a.conditions[0].condition_prometheus_query_language[0].disable_metric_validation == true
    ])
    error_message = "Google refuses alerts on metrics that nobody has written yet."
  }
}

run "ages_are_read_where_they_are_logged" {
  command = plan

  assert {
    condition = {
      for key, m in google_logging_metric.age : key => "${m.value_extractor} of ${m.filter}"
      } == {
      overdue     = "EXTRACT(jsonPayload.overdue_s) of resource.type=\"cloud_run_revision\" AND jsonPayload.overdue_s:*"
      unpublished = "EXTRACT(jsonPayload.unpublished_s) of resource.type=\"cloud_run_revision\" AND jsonPayload.unpublished_s:*"
      stalled     = "EXTRACT(jsonPayload.stalled_s) of resource.type=\"cloud_run_revision\" AND jsonPayload.stalled_s:*"
    }
    error_message = "An age is not read from the field that a sweep logs."
  }
  assert {
    condition = alltrue([
      for key, threshold in { order-overdue = 900, events-unpublished = 300, import-stalled = 3600 } :
      endswith(google_monitoring_alert_policy.this[key].conditions[0].condition_prometheus_query_language[0].query, "> ${threshold}")
      && alltrue([for m in google_logging_metric.age : contains(m.bucket_options[0].explicit_buckets[0].bounds, threshold)])
    ])
    error_message = "A threshold is not a bound of the buckets: within one, percentiles are guesses."
  }
  assert {
    condition = alltrue(flatten([
      for key, m in merge(google_logging_metric.age, google_logging_metric.count) : [
        anytrue([
          for a in google_monitoring_alert_policy.this :
          strcontains(a.conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_${m.name}")
        ])
      ]
    ]))
    error_message = "A metric is paid for, and no alert looks at it."
  }
}

run "who_is_watched_and_how" {
  command = plan

  assert {
    condition = alltrue([
      strcontains(google_monitoring_alert_policy.this["messages-waiting"].conditions[0].condition_prometheus_query_language[0].query,
      "subscription_id!~\"dead-letters|(eventarc-.*-)?(import-chunk|plan-import)([.-].*)?\"}) > 600"),
      strcontains(google_monitoring_alert_policy.this["messages-waiting"].conditions[0].condition_prometheus_query_language[0].query,
      "subscription_id=~\"(eventarc-.*-)?(import-chunk|plan-import)([.-].*)?\"}) > 14400"),
    ])
    error_message = "Batch work may wait for hours, all else may not, and dead letters wait for people."
  }
  assert {
    condition = (strcontains(google_monitoring_alert_policy.this["dead-letter"].conditions[0].condition_prometheus_query_language[0].query, "subscription_num_undelivered_messages")
      && strcontains(google_monitoring_alert_policy.this["dead-letter"].conditions[0].condition_prometheus_query_language[0].query, "subscription_id=\"dead-letters\"}) > 0")
    && strcontains(google_monitoring_alert_policy.this["dead-letter"].conditions[0].condition_prometheus_query_language[0].query, "dead_letter_message_count"))
    error_message = "A dead letter raises no alert."
  }
  assert {
    condition = toset(split("\nor\n", google_monitoring_alert_policy.this["instances-saturated"].conditions[0].condition_prometheus_query_language[0].query)) == toset([
      for limit in [["notify-customer", 9], ["place-order", 45], ["start-fulfilment", 18]] :
      "sum by (service_name) (max_over_time(run_googleapis_com:container_instance_count{monitored_resource=\"cloud_run_revision\", state=\"active\", service_name=~\"${limit[0]}\"}[5m])) >= ${limit[1]}"
    ])
    error_message = "A unit's limit is not its own, or a sweep or batch unit is watched."
  }
  assert {
    condition = toset(split("\nor\n", google_monitoring_alert_policy.this["scheduled-run-missing"].conditions[0].condition_prometheus_query_language[0].query)) == toset([
      "absent_over_time(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\", response_code_class=\"2xx\", service_name=\"sweep-journals\"}[15m])",
      "absent_over_time(run_googleapis_com:request_count{monitored_resource=\"cloud_run_revision\", response_code_class=\"2xx\", service_name=\"sweep-orders\"}[15m])",
      "sum by (job_id) (increase(logging_googleapis_com:user_orderflow_schedule_failures{monitored_resource=\"cloud_scheduler_job\", job_id!~\"sweep-journals|sweep-orders\"}[1h])) > 0",
    ])
    error_message = "A sweep may be silent, or a nightly job is expected every minute."
  }
  assert {
    condition = !anytrue([
      for code in ["ABORTED", "ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND"] :
      strcontains(google_monitoring_alert_policy.this["firestore-failing"].conditions[0].condition_prometheus_query_language[0].query, code)
    ])
    error_message = "Optimistic writes that meet are no trouble."
  }
  assert {
    condition     = strcontains(google_logging_metric.count["errors"].filter, "severity>=ERROR") && !strcontains(google_logging_metric.count["errors"].filter, "WARNING")
    error_message = "A refusal of a customer, which is a WARNING, raises an alert."
  }
}

run "objectives_and_how_fast_they_burn" {
  command = apply

  assert {
    condition = { for key, o in google_monitoring_slo.this : key => o.goal } == {
      availability = 0.999, latency-95 = 0.95, latency-99 = 0.99, fulfilment = 0.99
    }
    error_message = "The goals are others."
  }
  assert {
    condition     = alltrue([for o in google_monitoring_slo.this : o.rolling_period_days == 28])
    error_message = "A period is not 28 days."
  }
  assert {
    condition = {
      for key, o in google_monitoring_slo.this : key => one(o.request_based_sli[0].distribution_cut[0].range).max if length(o.request_based_sli[0].distribution_cut) > 0
    } == { latency-95 = 500, latency-99 = 2000 }
    error_message = "Fast is something else."
  }
  assert {
    condition = (strcontains(google_monitoring_slo.this["availability"].request_based_sli[0].good_total_ratio[0].bad_service_filter, "service_name=\"place-order\" AND metric.labels.response_code_class=\"5xx\"")
    && strcontains(google_monitoring_slo.this["fulfilment"].request_based_sli[0].good_total_ratio[0].bad_service_filter, "workflow_id=\"fulfil-order\" AND metric.labels.status=\"FAILED\""))
    error_message = "Refusals count as failures, or failures do not."
  }
  assert {
    condition     = length(google_monitoring_alert_policy.burn) == 2 * length(google_monitoring_slo.this)
    error_message = "An objective may burn unseen."
  }
  assert {
    condition = alltrue([
      for key, a in google_monitoring_alert_policy.burn : a.combiner == "AND" && [
        for c in slice(a.conditions, 0, 2) : [c.condition_threshold[0].filter, c.condition_threshold[0].threshold_value]
        ] == [
        for window in endswith(key, "-fast") ? [["3600s", 14.4], ["300s", 14.4]] : [["21600s", 6], ["1800s", 6]] : [
          "select_slo_burn_rate(\"${google_monitoring_slo.this[replace(key, "/-(fast|slow)$/", "")].name}\", \"${window[0]}\")", window[1]
        ]
      ]
    ])
    error_message = "Fast is 14.4 times over 1 h and 5 min, slow 6 times over 6 h and 30 min, of the alert's own objective."
  }
  assert {
    condition = alltrue([
      for a in google_monitoring_alert_policy.burn : length(a.conditions) == 3
      && a.conditions[2].condition_threshold[0].threshold_value >= 2
      && "${a.conditions[2].condition_threshold[0].aggregations[0].alignment_period}" == regex("\"([0-9]+s)\"", a.conditions[0].condition_threshold[0].filter)[0]
    ])
    error_message = "One unlucky request in a quiet night gets somebody up."
  }
  assert {
    condition     = google_monitoring_alert_policy.burn["availability-fast"].severity == "CRITICAL" && google_monitoring_alert_policy.burn["latency-95-slow"].severity == "WARNING"
    error_message = "What hurts customers most is not the most urgent."
  }
  assert {
    condition = alltrue([
      for a in merge(google_monitoring_alert_policy.this, google_monitoring_alert_policy.burn) :
      tolist(a.notification_channels) == tolist([google_monitoring_notification_channel.email["oncall@example.com"].id])
    ])
    error_message = "An alert tells nobody."
  }
}

run "channels_made_elsewhere_are_told_too" {
  command = apply
  variables {
    notification_channels = ["projects/orderflow-test/notificationChannels/pager"]
  }

  assert {
    condition     = alltrue([for a in google_monitoring_alert_policy.this : length(a.notification_channels) == 2])
    error_message = "The pager is not told."
  }
}

run "another_intake_is_the_one_that_counts" {
  command = plan
  variables {
    intake   = "start-fulfilment"
    workflow = "other"
  }

  assert {
    condition = (strcontains(google_monitoring_slo.this["latency-95"].request_based_sli[0].distribution_cut[0].distribution_filter, "\"start-fulfilment\"")
    && strcontains(google_monitoring_slo.this["fulfilment"].request_based_sli[0].good_total_ratio[0].total_service_filter, "\"other\""))
    error_message = "The objectives are about another unit or workflow."
  }
}

run "the_intake_is_a_unit" {
  command = plan
  variables {
    intake = "take-order"
  }
  expect_failures = [var.intake]
}

run "an_objective_can_burn" {
  command = plan
  variables {
    objectives = { availability = 0.9 }
  }
  expect_failures = [var.objectives]
}

run "percentiles_ascend" {
  command = plan
  variables {
    objectives = { latency_95 = 3000 }
  }
  expect_failures = [var.objectives]
}

run "an_address_is_one" {
  command = plan
  variables {
    emails = ["oncall"]
  }
  expect_failures = [var.emails]
}

run "the_runbook_has_no_anchor_yet" {
  command = plan
  variables {
    runbook_url = "https://example.com/runbook.md#top"
  }
  expect_failures = [var.runbook_url]
}

run "a_timeout_is_in_seconds" {
  command = plan
  variables {
    units = { place-order = { timeout = "1m", max_instances = 1 } }
  }
  expect_failures = [var.units]
}

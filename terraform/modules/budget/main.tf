# Tells people; it stops nothing. What bounds the bill is every unit's max_instances.
resource "google_billing_budget" "this" {
  billing_account = var.billing_account
  display_name    = var.project_id

  budget_filter {
    projects        = ["projects/${var.project_number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      units = tostring(var.monthly_amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
      spend_basis       = "CURRENT_SPEND"
    }
  }

  # While there is still time to do something.
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  # Without a channel the billing account's administrators are told, by Google's default.
  dynamic "all_updates_rule" {
    for_each = length(var.notification_channels) > 0 ? [var.notification_channels] : []
    content {
      monitoring_notification_channels = all_updates_rule.value
    }
  }
}

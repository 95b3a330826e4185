output "notification_channels" {
  description = "Channels that alerts go to, made here and given."
  value       = local.channels
}

output "runbook" {
  description = "Heading of docs/runbook.md of each alert, as an anchor."
  value       = local.runbook
}

output "dashboards" {
  description = "Ids of the dashboards: of the pipeline, and of the units by page."
  value       = { for key, d in google_monitoring_dashboard.this : key => d.id }
}

output "objectives" {
  description = "Names of the objectives: a roll-back may ask how fast one burns."
  value       = { for key, o in google_monitoring_slo.this : key => o.name }
}

output "gateway_url" {
  description = "Root URL of the public API."
  value       = module.pipeline.gateway_url
}

output "units" {
  description = "Kind and root URL of every unit."
  value       = module.pipeline.units
}

output "buckets" {
  description = "The buckets of uploads and reports, and the archive of events."
  value       = module.pipeline.buckets
}

output "objectives" {
  description = "Names of the objectives: a roll-back asks how fast one burns."
  value       = module.pipeline.objectives
}

output "edge" {
  description = "Of the load balancer, if there is one: the address that its domains' A records point to, and its URLs."
  value       = module.pipeline.edge
}

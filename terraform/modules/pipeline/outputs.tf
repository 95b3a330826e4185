output "gateway_url" {
  description = "Root URL of the public API."
  value       = module.gateway.url
}

output "edge" {
  description = "Of the load balancer, if there is one: the address that its domains' A records point to, and its URLs."
  value       = one([for e in module.edge : { ip_address = e.ip_address, urls = e.urls }])
}

output "units" {
  description = "Kind and root URL of every unit."
  value       = { for name, u in local.units : name => { kind = u.kind, url = u.url } }
}

output "buckets" {
  description = "The buckets of uploads and reports, and the archive of events."
  value       = merge(module.uploads.buckets, { archive = module.archive.bucket })
}

output "objectives" {
  description = "Names of the objectives: a roll-back asks how fast one burns."
  value       = module.observability.objectives
}

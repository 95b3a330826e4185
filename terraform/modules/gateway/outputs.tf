output "service_account_email" {
  description = "Who calls the public functions: their only invoker."
  value       = module.account.email
}

output "gateway_id" {
  description = "Id of the gateway, for a load balancer in front of it."
  value       = google_api_gateway_gateway.this.gateway_id
}

output "region" {
  description = "Region of the gateway."
  value       = var.region
}

output "default_hostname" {
  description = "Host name that Google gave the gateway."
  value       = google_api_gateway_gateway.this.default_hostname
}

output "url" {
  description = "Root URL of the public API."
  value       = "https://${google_api_gateway_gateway.this.default_hostname}"
}

output "managed_service" {
  description = "Service that a consumer's project enables before its API key counts; only with a quota."
  value       = google_api_gateway_api.this.managed_service
}

output "openapi" {
  description = "The OpenAPI 2.0 document, as it is deployed."
  value       = yamlencode(local.openapi)
}

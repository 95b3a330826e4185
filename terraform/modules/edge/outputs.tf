output "ip_address" {
  description = "Where the domains' A records point."
  value       = google_compute_global_address.this.address
}

output "urls" {
  description = "Root URLs of the public API, once their certificate is issued."
  value       = [for d in var.domains : "https://${d}"]
}

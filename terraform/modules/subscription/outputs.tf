output "names" {
  description = "The subscriptions."
  value       = [for k in keys(var.events) : "${var.unit}.${k}"]
}

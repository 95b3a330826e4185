# A domain of one's own in front of the gateway, with Cloud Armor: the gateway itself has neither.

locals {
  # OWASP's core rules that fit a JSON API, at the sensitivity with the fewest false alarms.
  waf = ["sqli", "xss", "lfi", "rfi", "rce", "protocolattack", "scannerdetection"]
}

resource "google_compute_global_address" "this" {
  project = var.project_id
  name    = var.name
}

# Cloud Armor takes the first rule that matches, by priority: the WAF's come before the rate limit, which matches all.
resource "google_compute_security_policy" "this" {
  project     = var.project_id
  name        = var.name
  description = "Limits what one address may ask of the API, and refuses known attacks."
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "STANDARD" # rules see the fields of a body, not its punctuation
  }

  dynamic "rule" {
    for_each = { for i, name in local.waf : name => 1000 + 10 * i }
    content {
      action      = "deny(403)"
      priority    = rule.value
      preview     = !var.waf_enforced
      description = "WAF: ${rule.key}"
      match {
        expr {
          expression = "evaluatePreconfiguredWaf('${rule.key}-v33-stable', {'sensitivity': 1})"
        }
      }
    }
  }

  rule {
    action      = "throttle"
    priority    = 2000
    preview     = false
    description = "${var.rate_limit.requests} requests in ${var.rate_limit.interval} s of one address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.rate_limit.requests
        interval_sec = var.rate_limit.interval
      }
    }
  }

  # The rule that every policy has. The throttle above matches all there is, so nothing comes here.
  rule {
    action      = "deny(403)"
    priority    = 2147483647
    preview     = false
    description = "default"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

# Load balancers in front of API Gateway are in preview: the beta provider only.
resource "google_compute_region_network_endpoint_group" "this" {
  provider = google-beta

  project               = var.project_id
  region                = var.gateway.region
  name                  = var.name
  network_endpoint_type = "SERVERLESS"

  serverless_deployment {
    platform = "apigateway.googleapis.com"
    resource = var.gateway.id
  }
}

resource "google_compute_backend_service" "this" {
  project               = var.project_id
  name                  = var.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.this.id

  backend {
    group = google_compute_region_network_endpoint_group.this.id
  }

  # Cloud Armor's verdicts, previews among them, are in this log and nowhere else.
  log_config {
    enable      = true
    sample_rate = 1
  }
}

# A certificate's domains cannot be changed: other domains are another certificate, made before the old one goes.
resource "google_compute_managed_ssl_certificate" "this" {
  project = var.project_id
  name    = "${var.name}-${substr(sha256(join(",", var.domains)), 0, 8)}"

  managed {
    domains = var.domains
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "this" {
  project         = var.project_id
  name            = var.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_url_map" "https" {
  project         = var.project_id
  name            = var.name
  default_service = google_compute_backend_service.this.id
}

resource "google_compute_target_https_proxy" "this" {
  project          = var.project_id
  name             = var.name
  url_map          = google_compute_url_map.https.id
  ssl_certificates = [google_compute_managed_ssl_certificate.this.id]
  ssl_policy       = google_compute_ssl_policy.this.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project_id
  name                  = var.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  ip_protocol           = "TCP"
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}

resource "google_compute_url_map" "redirect" {
  project = var.project_id
  name    = "${var.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = var.project_id
  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  project               = var.project_id
  name                  = "${var.name}-redirect"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this.id
  ip_protocol           = "TCP"
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}

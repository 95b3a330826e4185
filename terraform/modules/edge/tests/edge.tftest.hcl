mock_provider "google" {
  source = "../../mocks"
}
mock_provider "google-beta" {
  source = "../../mocks"
}

variables {
  project_id = "orderflow-test"
  gateway    = { id = "orderflow", region = "us-central1" }
  domains    = ["api.example.com"]
}

run "armor_limits_each_address" {
  command = plan

  assert {
    condition = one([
      for r in google_compute_security_policy.this.rule : join(" ", [
        r.rate_limit_options[0].conform_action, r.rate_limit_options[0].exceed_action, r.rate_limit_options[0].enforce_on_key,
        r.rate_limit_options[0].rate_limit_threshold[0].count, r.rate_limit_options[0].rate_limit_threshold[0].interval_sec,
        join(",", r.match[0].config[0].src_ip_ranges),
      ]) if r.action == "throttle" && r.preview == false
    ]) == "allow deny(429) IP 600 60 *"
    error_message = "One address is not held to 600 requests a minute."
  }
  assert {
    condition = alltrue([
      for r in google_compute_security_policy.this.rule : startswith(r.action, "deny") if r.action != "throttle"
    ])
    error_message = "A rule lets requests by the rate limit."
  }
  assert {
    condition = alltrue([
      for r in google_compute_security_policy.this.rule : r.priority < one([
        for limit in google_compute_security_policy.this.rule : limit.priority if limit.action == "throttle"
      ]) if startswith(r.description, "WAF")
    ])
    error_message = "The rate limit matches everything: a WAF rule behind it never runs."
  }
  assert {
    condition     = google_compute_backend_service.this.log_config[0].enable && google_compute_backend_service.this.log_config[0].sample_rate == 1
    error_message = "Nobody sees what Cloud Armor refuses, or would."
  }
}

run "the_waf_only_looks_at_first" {
  command = plan

  assert {
    condition = sort([for r in google_compute_security_policy.this.rule : r.match[0].expr[0].expression if r.preview == true]) == sort([
      for set in ["lfi", "protocolattack", "rce", "rfi", "scannerdetection", "sqli", "xss"] :
      "evaluatePreconfiguredWaf('${set}-v33-stable', {'sensitivity': 1})"
    ])
    error_message = "The WAF's rules are others, or refuse before anybody knows whom."
  }
}

run "the_waf_refuses_when_told" {
  command = plan
  variables {
    waf_enforced = true
  }

  assert {
    condition = length([
      for r in google_compute_security_policy.this.rule : r if startswith(r.description, "WAF") && r.preview == false && r.action == "deny(403)"
    ]) == 7
    error_message = "The WAF's rules do not refuse."
  }
}

run "the_scheme_is_said" {
  command = plan

  assert {
    condition = alltrue([
      for scheme in [
        google_compute_backend_service.this.load_balancing_scheme,
        google_compute_global_forwarding_rule.https.load_balancing_scheme,
        google_compute_global_forwarding_rule.redirect.load_balancing_scheme,
      ] : scheme == "EXTERNAL_MANAGED"
    ])
    error_message = "Its default changes with provider 8."
  }
}

run "nothing_is_served_in_clear" {
  command = apply

  assert {
    condition     = google_compute_url_map.redirect.default_url_redirect[0].https_redirect && google_compute_url_map.redirect.default_service == null
    error_message = "HTTP is served."
  }
  assert {
    condition = (google_compute_global_forwarding_rule.redirect.port_range == "80"
      && google_compute_global_forwarding_rule.redirect.target == google_compute_target_http_proxy.redirect.id
    && google_compute_target_http_proxy.redirect.url_map == google_compute_url_map.redirect.id)
    error_message = "Port 80 is not what sends on to HTTPS."
  }
  assert {
    condition     = google_compute_ssl_policy.this.min_tls_version == "TLS_1_2" && google_compute_target_https_proxy.this.ssl_policy == google_compute_ssl_policy.this.id
    error_message = "Old TLS is accepted."
  }
  assert {
    condition     = google_compute_backend_service.this.security_policy == google_compute_security_policy.this.id
    error_message = "Cloud Armor guards nothing."
  }
}

run "it_leads_to_the_gateway" {
  command = plan

  assert {
    condition = (google_compute_region_network_endpoint_group.this.serverless_deployment[0].platform == "apigateway.googleapis.com"
      && google_compute_region_network_endpoint_group.this.serverless_deployment[0].resource == "orderflow"
    && google_compute_region_network_endpoint_group.this.region == "us-central1")
    error_message = "The load balancer leads somewhere else."
  }
}

run "other_domains_are_another_certificate" {
  command = plan
  variables {
    domains = ["api.example.com", "orders.example.com"]
  }

  assert {
    condition     = google_compute_managed_ssl_certificate.this.name == "orderflow-${substr(sha256("api.example.com,orders.example.com"), 0, 8)}"
    error_message = "A certificate in use cannot be replaced under the same name."
  }
}

run "a_domain_is_no_url" {
  command = plan
  variables {
    domains = ["https://api.example.com"]
  }
  expect_failures = [var.domains]
}

run "there_is_a_domain" {
  command = plan
  variables {
    domains = []
  }
  expect_failures = [var.domains]
}

run "armor_knows_the_interval" {
  command = plan
  variables {
    rate_limit = { requests = 100, interval = 45 }
  }
  expect_failures = [var.rate_limit]
}

run "a_limit_lets_something_through" {
  command = plan
  variables {
    rate_limit = { requests = 0 }
  }
  expect_failures = [var.rate_limit]
}

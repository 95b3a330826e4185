mock_provider "google" {
  source = "../../mocks"
}
mock_provider "google-beta" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id = "orderflow-test"
  region     = "us-central1"
  units = {
    place-order          = { summary = "Takes an order.", timeout = "10s", trigger = { http = { method = "POST", path = "/v1/orders" } } }
    list-orders          = { timeout = "10s", trigger = { http = { method = "GET", path = "/v1/orders" } } }
    get-order            = { timeout = "20s", trigger = { http = { method = "GET", path = "/v1/orders/{id}" } } }
    request-cancellation = { timeout = "10s", trigger = { http = { method = "POST", path = "/v1/orders/{id}/cancellation" } } }
    payment-webhook      = { timeout = "10s", trigger = { webhook = { path = "/v1/webhooks/payment" } } }
    sweep-orders         = { timeout = "50s" }
    inventory            = { timeout = "15s" }
  }
  urls = {
    place-order          = "https://place-order-123456789012.us-central1.run.app"
    list-orders          = "https://list-orders-123456789012.us-central1.run.app"
    get-order            = "https://get-order-123456789012.us-central1.run.app"
    request-cancellation = "https://request-cancellation-123456789012.us-central1.run.app"
    payment-webhook      = "https://payment-webhook-123456789012.us-central1.run.app"
    sweep-orders         = "https://sweep-orders-123456789012.us-central1.run.app"
    inventory            = "https://inventory-123456789012.us-central1.run.app"
  }
  jwt = {
    issuer    = "https://issuer.example"
    jwks_uri  = "https://issuer.example/jwks"
    audiences = ["orderflow", "orderflow-partners"]
  }
}

run "every_route_and_nothing_else" {
  command = plan

  assert {
    condition     = base64decode(google_api_gateway_api_config.this.openapi_documents[0].document[0].contents) == output.openapi
    error_message = "What is deployed is not what is said."
  }
  assert {
    condition = toset(flatten([
      for path, methods in yamldecode(output.openapi).paths : [for method in keys(methods) : "${method} ${path}"]
      ])) == toset([
      "post /v1/orders", "get /v1/orders", "get /v1/orders/{id}", "post /v1/orders/{id}/cancellation", "post /v1/webhooks/payment",
    ])
    error_message = "The routes are not those of the units: ${jsonencode(yamldecode(output.openapi).paths)}"
  }
  assert {
    condition = [for p in yamldecode(output.openapi).paths["/v1/orders/{id}"].get.parameters : p] == [
      { name = "id", in = "path", required = true, type = "string" }
    ]
    error_message = "A path's parameter must be declared, or the gateway refuses the document."
  }
  assert {
    condition = length(distinct(flatten([
      for methods in yamldecode(output.openapi).paths : [for o in methods : o.operationId]
    ]))) == 5
    error_message = "Operation ids must be there and differ."
  }
  assert {
    condition     = yamldecode(output.openapi).paths["/v1/orders"].post.operationId == "PlaceOrder"
    error_message = "An operation is not called as its function is."
  }
}

run "who_is_let_in" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for path, methods in yamldecode(output.openapi).paths : [
        for o in methods : jsonencode(o.security) == "[{\"customer\":[]}]" if !startswith(path, "/v1/webhooks/")
      ]
    ]))
    error_message = "A route is open to who has no token."
  }
  assert {
    condition     = !contains(keys(yamldecode(output.openapi).paths["/v1/webhooks/payment"].post), "security")
    error_message = "A webhook has no token: it would always be refused."
  }
  assert {
    condition     = !contains(keys(yamldecode(output.openapi)), "x-google-allow")
    error_message = "Only the listed routes may be reached."
  }
  assert {
    condition = yamldecode(output.openapi).securityDefinitions.customer == {
      type                     = "oauth2"
      flow                     = "implicit"
      authorizationUrl         = ""
      "x-google-issuer"        = "https://issuer.example"
      "x-google-jwks_uri"      = "https://issuer.example/jwks"
      "x-google-audiences"     = "orderflow,orderflow-partners"
      "x-google-jwt-locations" = [{ header = "Authorization", value_prefix = "Bearer " }]
    }
    error_message = "Tokens are not those of jwt, or are taken from somewhere else than Authorization."
  }
}

run "how_functions_are_called" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for methods in yamldecode(output.openapi).paths : [
        for o in methods : contains(values(var.urls), o["x-google-backend"].jwt_audience)
        && o["x-google-backend"].address == o["x-google-backend"].jwt_audience
      ]
    ]))
    error_message = "Cloud Run refuses a token whose audience is not the function's root URL."
  }
  assert {
    condition     = yamldecode(output.openapi).paths["/v1/orders/{id}"].get["x-google-backend"].address == var.urls["get-order"]
    error_message = "A route leads to another function."
  }
  assert {
    condition = alltrue(flatten([
      for methods in yamldecode(output.openapi).paths : [
        for o in methods : o["x-google-backend"].path_translation == "CONSTANT_ADDRESS"
      ]
    ]))
    error_message = "Functions find their path parameters in the query only."
  }
  assert {
    condition = alltrue([
      for name, u in var.units : alltrue(flatten([
        for methods in yamldecode(output.openapi).paths : [
          for o in methods : o["x-google-backend"].deadline > tonumber(trimsuffix(u.timeout, "s"))
          if o["x-google-backend"].address == var.urls[name]
        ]
      ]))
    ])
    error_message = "The gateway gives up before the function does."
  }
  assert {
    condition     = yamldecode(output.openapi).paths["/v1/orders/{id}"].get["x-google-backend"].deadline == 25
    error_message = "A longer timeout does not make a longer deadline."
  }
  assert {
    condition     = output.service_account_email == "api-gateway@orderflow-test.iam.gserviceaccount.com"
    error_message = "A plan does not show who calls the functions."
  }
  assert {
    condition     = google_api_gateway_api_config.this.gateway_config[0].backend_config[0].google_service_account == output.service_account_email
    error_message = "The gateway does not call the functions as its own account."
  }
}

run "a_change_makes_a_new_config" {
  command = plan

  assert {
    condition     = google_api_gateway_api_config.this.api_config_id_prefix == "orderflow-"
    error_message = "A config cannot be changed: a fixed name would have to be deleted while the gateway uses it."
  }
}

run "without_a_quota_no_key_is_asked_for" {
  command = plan

  assert {
    condition     = !strcontains(output.openapi, "api_key") && !strcontains(output.openapi, "quota")
    error_message = "A key is asked for, though nothing is counted."
  }
}

run "a_quota_counts_by_key_beside_the_token" {
  command = plan
  variables {
    quota = { requests_per_minute = 300 }
  }

  assert {
    condition = alltrue(flatten([
      for path, methods in yamldecode(output.openapi).paths : [
        for o in methods : jsonencode(o.security) == "[{\"api_key\":[],\"customer\":[]}]" && o["x-google-quota"] == { metricCosts = { requests = 1 } }
        if !startswith(path, "/v1/webhooks/")
      ]
    ]))
    error_message = "A route is not counted, or takes a key instead of a token."
  }
  assert {
    condition = !anytrue([
      for key in keys(yamldecode(output.openapi).paths["/v1/webhooks/payment"].post) : contains(["security", "x-google-quota"], key)
    ])
    error_message = "A payment provider has no key of ours."
  }
  assert {
    condition     = yamldecode(output.openapi).securityDefinitions.api_key == { type = "apiKey", name = "x-api-key", in = "header" }
    error_message = "Keys in URLs are logged."
  }
  assert {
    condition     = yamldecode(output.openapi)["x-google-management"].quota.limits[0].values.STANDARD == 300
    error_message = "The limit is another one."
  }
}

run "a_new_function_is_routed" {
  command = plan
  variables {
    units = { get-invoice = { timeout = "10s", trigger = { http = { method = "GET", path = "/v1/invoices/{id}" } } } }
    urls  = { get-invoice = "https://get-invoice-123456789012.us-central1.run.app" }
  }

  assert {
    condition     = yamldecode(output.openapi).paths["/v1/invoices/{id}"].get.operationId == "GetInvoice"
    error_message = "A function's own file is not enough to route it."
  }
}

run "two_functions_cannot_share_a_route" {
  command = plan
  variables {
    units = {
      one = { timeout = "10s", trigger = { http = { method = "GET", path = "/v1/orders/{id}" } } }
      two = { timeout = "10s", trigger = { http = { method = "GET", path = "/v1/orders/{order_id}" } } }
    }
  }
  expect_failures = [var.units]
}

run "one_path_has_one_text" {
  command = plan
  variables {
    units = {
      one = { timeout = "10s", trigger = { http = { method = "GET", path = "/v1/orders/{id}" } } }
      two = { timeout = "10s", trigger = { http = { method = "POST", path = "/v1/orders/{order_id}" } } }
    }
  }
  expect_failures = [var.units]
}

run "a_timeout_is_in_seconds" {
  command = plan
  variables {
    units = { one = { timeout = "1m", trigger = { http = { method = "GET", path = "/v1/x" } } } }
  }
  expect_failures = [var.units]
}

run "a_route_has_whole_segments" {
  command = plan
  variables {
    units = { one = { timeout = "1s", trigger = { http = { method = "GET", path = "/v1/x_{id}" } } } }
  }
  expect_failures = [var.units]
}

run "an_audience_is_a_root_url" {
  command = plan
  variables {
    urls = { place-order = "https://place-order-123456789012.us-central1.run.app/place-order" }
  }
  expect_failures = [var.urls]
}

run "every_route_has_a_url" {
  command = plan
  variables {
    urls = { place-order = "https://place-order-123456789012.us-central1.run.app" }
  }
  expect_failures = [var.urls]
}

run "tokens_come_from_somebody" {
  command = plan
  variables {
    jwt = { issuer = "https://issuer.example", jwks_uri = "https://issuer.example/jwks", audiences = [] }
  }
  expect_failures = [var.jwt]
}

run "a_gateway_has_routes" {
  command = plan
  variables {
    units = { sweep-orders = { timeout = "50s" } }
  }
  expect_failures = [google_api_gateway_api_config.this]
}

# The public door: one gateway whose routes are those of the functions' own files.
#
# The gateway checks the customer's token, then calls the function as its own service account: it puts a Google token of
# its own into Authorization and the customer's into X-Forwarded-Authorization, where the function finds it and checks it
# again. So functions need no allUsers.

locals {
  # A little longer than the function's own timeout: who is called ends first, and its answer says why.
  deadline_slack = 5

  routes = {
    for name, u in var.units : name => {
      method   = lower(u.trigger.http == null ? "POST" : u.trigger.http.method)
      path     = u.trigger.http == null ? u.trigger.webhook.path : u.trigger.http.path
      summary  = u.summary
      deadline = tonumber(trimsuffix(u.timeout, "s")) + local.deadline_slack
      customer = u.trigger.http != null
    } if u.trigger.http != null || u.trigger.webhook != null
  }

  operations = {
    for name, r in local.routes : name => {
      for key, value in {
        operationId = join("", [for word in split("-", name) : title(word)])
        summary     = r.summary
        parameters = [
          for p in regexall("{([^}]*)}", r.path) : { name = p[0], in = "path", required = true, type = "string" }
        ]
        responses = { default = { description = "The function's answer." } }

        # A webhook has no token: the function verifies the sender's signature of its body.
        security         = r.customer ? [{ for scheme in keys(local.security_definitions) : scheme => [] }] : null
        "x-google-quota" = r.customer && var.quota != null ? { metricCosts = { (local.metric) = 1 } } : null

        "x-google-backend" = {
          address      = var.urls[name]
          jwt_audience = var.urls[name]
          # The function is called at its root, path parameters come behind the caller's own query
          # (docs/decisions/0005): the functions framework serves exact paths only.
          path_translation = "CONSTANT_ADDRESS"
          protocol         = "h2"
          deadline         = r.deadline
        }
      } : key => value if value != null
    }
  }

  security_definitions = {
    for scheme, definition in {
      customer = {
        type                 = "oauth2"
        flow                 = "implicit"
        authorizationUrl     = ""
        "x-google-issuer"    = var.jwt.issuer
        "x-google-jwks_uri"  = var.jwt.jwks_uri
        "x-google-audiences" = join(",", var.jwt.audiences)
        # Only here: by default a token is also taken from the query, and URLs are logged.
        "x-google-jwt-locations" = [{ header = "Authorization", value_prefix = "Bearer " }]
      }
      api_key = var.quota == null ? null : { type = "apiKey", name = "x-api-key", in = "header" }
    } : scheme => definition if definition != null
  }

  metric = "requests"
  management = var.quota == null ? null : {
    metrics = [{ name = local.metric, displayName = "Requests", valueType = "INT64", metricKind = "DELTA" }]
    quota = {
      limits = [{
        name   = "requests-per-minute"
        metric = local.metric
        unit   = "1/min/{project}" # the only unit there is
        values = { STANDARD = var.quota.requests_per_minute }
      }]
    }
  }

  openapi = {
    for key, value in {
      swagger             = "2.0"
      info                = { title = var.name, version = "v1" }
      schemes             = ["https"]
      consumes            = ["application/json"]
      produces            = ["application/json", "application/problem+json"]
      securityDefinitions = local.security_definitions
      paths = {
        for path in distinct([for r in local.routes : r.path]) : path => {
          for name, r in local.routes : r.method => local.operations[name] if r.path == path
        }
      }
      "x-google-management" = local.management
    } : key => value if value != null
  }
}

module "account" {
  source = "../account"

  project_id = var.project_id
  name       = "api-gateway"
  purpose    = "Calls the public functions"
  deployer   = var.deployer
}

resource "google_api_gateway_api" "this" {
  provider = google-beta

  project      = var.project_id
  api_id       = var.name
  display_name = var.name
  labels       = var.labels
}

# A config cannot be changed: each document is a new one, the gateway moves on to it, then the old one goes.
resource "google_api_gateway_api_config" "this" {
  provider = google-beta

  project              = var.project_id
  api                  = google_api_gateway_api.this.api_id
  api_config_id_prefix = "${var.name}-"
  display_name         = var.name
  labels               = var.labels

  openapi_documents {
    document {
      path     = "openapi.yaml"
      contents = base64encode(yamlencode(local.openapi))
    }
  }

  gateway_config {
    backend_config {
      google_service_account = module.account.email
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = length(local.routes) > 0
      error_message = "No unit has a trigger.http or trigger.webhook: a gateway without routes cannot be made."
    }
  }
}

resource "google_api_gateway_gateway" "this" {
  provider = google-beta

  project      = var.project_id
  region       = var.region
  gateway_id   = var.name
  api_config   = google_api_gateway_api_config.this.id
  display_name = var.name
  labels       = var.labels
}

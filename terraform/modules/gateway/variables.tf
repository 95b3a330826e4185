variable "project_id" {
  description = "Project that the gateway belongs to."
  type        = string
}

variable "region" {
  description = "Region of the gateway: one of https://cloud.google.com/api-gateway/docs/deployment-model; it may differ from the functions'."
  type        = string
}

variable "name" {
  description = "Id of the API and of its gateway."
  type        = string
  default     = "orderflow"
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$", var.name))
    error_message = "An API's id begins with a lower-case letter and has at most 49 lower-case letters, digits and hyphens."
  }
}

variable "units" {
  description = <<-EOT
    Every unit by its name, as its function.yaml or service.yaml says; those with a trigger.http or trigger.webhook become
    routes, the others are left out. timeout is in seconds: "10s".
  EOT
  type = map(object({
    summary = optional(string, "")
    timeout = string
    trigger = optional(object({
      http    = optional(object({ method = string, path = string }))
      webhook = optional(object({ path = string }))
    }), {})
  }))
  validation {
    condition     = alltrue([for u in var.units : can(regex("^[0-9]+s$", u.timeout))])
    error_message = "A unit's timeout is a whole number of seconds: 10s."
  }
  validation {
    condition = alltrue([
      for u in var.units : u.trigger.http == null ? true : contains(["GET", "POST", "PUT", "PATCH", "DELETE"], u.trigger.http.method)
    ])
    error_message = "A route's method is GET, POST, PUT, PATCH or DELETE."
  }
  validation {
    condition = length(distinct([
      for u in var.units : "${u.trigger.http == null ? "POST" : u.trigger.http.method} ${replace(try(u.trigger.http.path, u.trigger.webhook.path), "/{[^}]*}/", "{}")}"
      if u.trigger.http != null || u.trigger.webhook != null
      ])) == length([
      for u in var.units : u if u.trigger.http != null || u.trigger.webhook != null
    ])
    error_message = "Two units have the same route: a method and a path, whatever its parameters are called, belong to one."
  }
  validation {
    condition = length(distinct([
      for u in var.units : try(u.trigger.http.path, u.trigger.webhook.path) if u.trigger.http != null || u.trigger.webhook != null
      ])) == length(distinct([
      for u in var.units : replace(try(u.trigger.http.path, u.trigger.webhook.path), "/{[^}]*}/", "{}")
      if u.trigger.http != null || u.trigger.webhook != null
    ]))
    error_message = "The methods of one path call its parameters the same: OpenAPI knows a path by its text."
  }
  validation {
    condition = alltrue([
      for u in var.units : can(regex("^/v1(/([a-z0-9_-]+|{[a-z_]+}))+$", try(u.trigger.http.path, u.trigger.webhook.path)))
      if u.trigger.http != null || u.trigger.webhook != null
    ])
    error_message = "A route's path is /v1/ and segments, each a word or one whole {parameter}: API Gateway takes no parts of segments."
  }
}

variable "urls" {
  description = "Root URL of every unit by its name: https://NAME-PROJECT_NUMBER.REGION.run.app. It is also the audience of the gateway's calls."
  type        = map(string)
  validation {
    condition     = alltrue([for u in values(var.urls) : can(regex("^https://[^/?#]+$", u))])
    error_message = "A unit's URL is https and has no path: Cloud Run takes the root URL as audience, nothing else."
  }
  validation {
    condition = alltrue([
      for name, u in var.units : contains(keys(var.urls), name) if u.trigger.http != null || u.trigger.webhook != null
    ])
    error_message = "Every unit with a route has a URL."
  }
}

variable "jwt" {
  description = "Who issues customers' tokens (exact \"iss\"), where its keys are, and whom the tokens must be for (any of \"aud\"). The functions check the same again: OIDC_ISSUER, OIDC_AUDIENCE."
  type = object({
    issuer    = string
    jwks_uri  = string
    audiences = list(string)
  })
  validation {
    condition     = startswith(var.jwt.issuer, "https://") && startswith(var.jwt.jwks_uri, "https://") && length(var.jwt.audiences) > 0
    error_message = "The tokens' issuer and its keys are https URLs, and there is at least one audience."
  }
}

variable "quota" {
  description = <<-EOT
    Requests a minute of one consumer, null for no limit. A consumer is the Google Cloud project that an API key belongs to,
    so with a quota every request but a webhook's needs a key (x-api-key) beside its token.
  EOT
  type        = object({ requests_per_minute = number })
  default     = null
  validation {
    condition     = var.quota == null ? true : var.quota.requests_per_minute >= 1
    error_message = "A quota is at least 1 request a minute; null is no quota."
  }
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels of every resource that has them."
  type        = map(string)
  default     = {}
}

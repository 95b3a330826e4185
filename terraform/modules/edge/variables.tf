variable "project_id" {
  description = "Project that the load balancer belongs to."
  type        = string
}

variable "name" {
  description = "Beginning of every resource's name."
  type        = string
  default     = "orderflow"
  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.name))
    error_message = "The name begins with a lower-case letter and has at most 40 lower-case letters, digits and hyphens: suffixes must fit into 63."
  }
}

variable "gateway" {
  description = "Where requests go: the API gateway's id and its region."
  type        = object({ id = string, region = string })
}

variable "domains" {
  description = "Host names of the public API. Point their A records at the output ip_address: the certificate is issued only then."
  type        = list(string)
  validation {
    condition     = length(var.domains) >= 1 && length(var.domains) <= 100
    error_message = "A managed certificate takes 1 to 100 host names."
  }
  validation {
    condition     = alltrue([for d in var.domains : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$", d))])
    error_message = "A domain is a host name in lower case, without scheme, port, path or wildcard."
  }
}

variable "rate_limit" {
  description = "Requests that one client address may make in an interval (seconds) before it is answered 429."
  type        = object({ requests = optional(number, 600), interval = optional(number, 60) })
  default     = {}
  validation {
    condition     = var.rate_limit.requests >= 1 && var.rate_limit.requests <= 1000000
    error_message = "Cloud Armor limits to 1 to 1000000 requests an interval."
  }
  validation {
    condition     = contains([10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700, 3600], var.rate_limit.interval)
    error_message = "Cloud Armor's intervals are 10, 30, 60, 120, 180, 240, 270, 300, 600, 900, 1200, 1800, 2700 and 3600 seconds."
  }
}

variable "waf_enforced" {
  description = "Whether requests that a WAF rule matches are refused. If not, they are only logged: look at the log for a while first."
  type        = bool
  default     = false
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "us-central1"
}

variable "bundles" {
  description = "File of each unit's bundle: pass dist/bundles.tfvars.json with -var-file."
  type        = map(string)
}

variable "customers" {
  description = "Who issues customers' tokens (exact \"iss\"), where its keys are, and the audience that the tokens are for."
  type        = object({ issuer = string, jwks_uri = string, audience = string })
  validation {
    condition     = startswith(var.customers.issuer, "https://") && startswith(var.customers.jwks_uri, "https://") && var.customers.audience != ""
    error_message = "The tokens' issuer and its keys are https URLs, and there is an audience."
  }
}

variable "payment_provider_url" {
  description = "Root URL of the payment provider."
  type        = string
  validation {
    condition     = can(regex("^https://[^?#]+$", var.payment_provider_url))
    error_message = "The payment provider is reached by https."
  }
}

variable "emails" {
  description = "Addresses that alerts are sent to."
  type        = set(string)
  default     = []
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do, with rights of their own."
  type        = string
  default     = null
}

variable "database_location" {
  description = "Where the databases are: a region or a multi-region, nam5 or eur3. It can never be changed. null: region."
  type        = string
  default     = null
}

variable "gateway_region" {
  description = "Where the gateway is, if API Gateway is not in region (cloud.google.com/api-gateway/docs/deployment-model)."
  type        = string
  default     = null
}

variable "settings" {
  description = "Environment variables of units, by the unit's name: what each takes is in its Go config."
  type        = map(map(string))
  default     = {}
}

variable "min_instances" {
  description = "Instances that are kept warm, by the unit's name: a customer waits for these, not for their start."
  type        = map(number)
  default     = { place-order = 1, payment = 1 }
}

variable "quota" {
  description = "Requests a minute of one consumer; null: no limit, and no API keys."
  type        = object({ requests_per_minute = number })
  default     = null
}

variable "edge" {
  description = "Host names of a load balancer with Cloud Armor in front of the gateway; null: none, and the gateway's own name."
  type = object({
    domains      = list(string)
    rate_limit   = optional(object({ requests = optional(number), interval = optional(number) }), {})
    waf_enforced = optional(bool, false)
  })
  default = null
}

variable "budget" {
  description = "What a month may cost before somebody is told, in the billing account's currency; null: nobody is."
  type        = object({ billing_account = string, monthly_amount = number })
  default     = null
}

variable "notification_channels" {
  description = "Monitoring channels made elsewhere that are told too."
  type        = list(string)
  default     = []
}

variable "runbook_url" {
  description = "Address of docs/runbook.md as your people read it: alerts link to its headings. null: this repository's."
  type        = string
  default     = null
}

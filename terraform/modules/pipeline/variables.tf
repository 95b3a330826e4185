variable "project_id" {
  description = "The project. Everything of it is this pipeline's."
  type        = string
}

variable "project_number" {
  description = "The project's number: URLs and Google's agents are named by it."
  type        = string
}

variable "region" {
  description = "Where everything runs."
  type        = string
}

variable "source_root" {
  description = "The root of the repository; null where this module is in it."
  type        = string
  default     = null
}

variable "bundles" {
  description = "File of each unit's bundle, as in dist/bundles.tfvars.json."
  type        = map(string)
}

variable "bundles_folder" {
  description = "Where those files are."
  type        = string
}

variable "customers" {
  description = "Who issues customers' tokens (exact \"iss\"), where its keys are, and the audience that the tokens are for."
  type        = object({ issuer = string, jwks_uri = string, audience = string })
}

variable "settings" {
  description = "Environment variables of units, by the unit's name: what differs between environments and is no secret."
  type        = map(map(string))
  default     = {}
  validation {
    condition     = length(setsubtract(keys(var.settings), keys(module.tree.units))) == 0
    error_message = "settings name what is no unit."
  }
}

variable "min_instances" {
  description = "Instances that are kept warm, by the unit's name, where its yaml asks for fewer."
  type        = map(number)
  default     = {}
  validation {
    condition     = length(setsubtract(keys(var.min_instances), keys(module.tree.units))) == 0
    error_message = "min_instances name what is no unit."
  }
}

variable "protect" {
  description = "Production: what holds data or carries orders is not destroyed, databases are backed up."
  type        = bool
}

variable "database_location" {
  description = "Where the databases are, for ever: a region or a multi-region, nam5 or eur3; null: region."
  type        = string
  default     = null
}

variable "gateway_region" {
  description = "Where the gateway is, if API Gateway is not in region (cloud.google.com/api-gateway/docs/deployment-model)."
  type        = string
  default     = null
}

variable "keep_uploads_days" {
  description = "After how many days an imported file's copy is deleted."
  type        = number
  default     = 30
}

variable "keep_archive_days" {
  description = "After how many days an archived event is deleted."
  type        = number
  default     = 365
  validation {
    condition = alltrue([
      for f in module.tree.databases["notifications"].fields : try(f.expire_after_days, null) == null || try(f.expire_after_days, 0) > var.keep_archive_days + 30
    ])
    error_message = "An event must not be replayed when the record that its customer was told of it is gone: keep the records a month longer (internal/store/fields.yaml)."
  }
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

variable "emails" {
  description = "Addresses that alerts are sent to."
  type        = set(string)
  default     = []
}

variable "notification_channels" {
  description = "Monitoring channels made elsewhere that are told too."
  type        = list(string)
  default     = []
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do, with rights of their own."
  type        = string
  default     = null
}

variable "runbook_url" {
  description = "Address of docs/runbook.md as your people read it: alerts link to its headings."
  type        = string
  default     = null
}

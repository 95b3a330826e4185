variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where the unit runs."
  type        = string
}

variable "unit" {
  description = "The unit that is called, once it is there."
  type        = string
}

variable "description" {
  description = "What it does, in a sentence."
  type        = string
  validation {
    condition     = length(var.description) <= 500
    error_message = "A job's description has at most 500 characters (a Cloud Scheduler limit)."
  }
}

variable "url" {
  description = "Its root URL, which is also the audience of its tokens."
  type        = string
  validation {
    condition     = can(regex("^https://[^/]+$", var.url))
    error_message = "A unit's URL is https, and its root without a slash at the end: it is compared with a token's audience."
  }
}

variable "schedule" {
  description = "When, as a cron line in UTC."
  type        = string
  validation {
    condition     = can(regex("^\\S+ \\S+ \\S+ \\S+ \\S+$", var.schedule))
    error_message = "A cron line has five fields: \"*/5 * * * *\"."
  }
}

variable "timeout_seconds" {
  description = "How long the unit may work."
  type        = number
  validation {
    condition     = var.timeout_seconds > 0 && var.timeout_seconds <= 1790
    error_message = "A scheduled unit has less than 30 minutes: the longest attempt deadline of Cloud Scheduler."
  }
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

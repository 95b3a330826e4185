variable "billing_account" {
  description = "Billing account that pays for the project: 0123AB-4567CD-89EF01."
  type        = string
  validation {
    condition     = can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "A billing account's id is three groups of six hexadecimal digits: 0123AB-4567CD-89EF01."
  }
}

variable "project_id" {
  description = "Project whose name the budget has."
  type        = string
}

variable "project_number" {
  description = "Number of the project whose costs are counted."
  type        = string
  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "A project's number has digits only; its id is another thing."
  }
}

variable "monthly_amount" {
  description = "What a month may cost, in whole units of the billing account's currency."
  type        = number
  validation {
    condition     = var.monthly_amount >= 1 && floor(var.monthly_amount) == var.monthly_amount
    error_message = "A budget is a whole number of units, at least 1."
  }
}

variable "notification_channels" {
  description = "Monitoring channels that are told, beside the billing account's administrators; only those of type email count."
  type        = list(string)
  default     = []
  validation {
    condition     = length(var.notification_channels) <= 5
    error_message = "A budget tells at most 5 channels."
  }
}

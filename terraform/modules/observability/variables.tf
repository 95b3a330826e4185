variable "project_id" {
  description = "Project that is watched, and that the alerts belong to."
  type        = string
}

variable "units" {
  description = "Every unit by its name, as its function.yaml or service.yaml says: what alerts and dashboards need of it. timeout is in seconds: \"10s\"."
  type = map(object({
    timeout       = string
    max_instances = number
    trigger = optional(object({
      schedule = optional(string)
    }), {})
  }))
  validation {
    condition     = alltrue([for u in var.units : can(regex("^[0-9]+s$", u.timeout))])
    error_message = "A unit's timeout is a whole number of seconds: 10s."
  }
}

variable "intake" {
  description = "Unit that takes orders: the objectives of availability and latency are its own."
  type        = string
  default     = "place-order"
  validation {
    condition     = contains(keys(var.units), var.intake)
    error_message = "The intake is one of the units."
  }
}

variable "workflow" {
  description = "Name of the workflow that carries orders to their ends."
  type        = string
  default     = "fulfil-order"
}

variable "objectives" {
  description = <<-EOT
    What customers may expect over 28 days. Of intake: the part of requests not answered 5xx, and the parts answered within
    some milliseconds. Of fulfilment: the part of executions that do not end in trouble (an order that is refused ends well).
  EOT
  type = object({
    availability = optional(number, 0.999)
    latency_95   = optional(number, 500)
    latency_99   = optional(number, 2000)
    fulfilment   = optional(number, 0.99)
  })
  default = {}

  # A burn rate of 14.4 must be possible: at a goal of 0.93 even a total outage burns no faster.
  validation {
    condition     = alltrue([for goal in [var.objectives.availability, var.objectives.fulfilment] : goal >= 0.94 && goal <= 0.9999])
    error_message = "An objective is from 0.94 to 0.9999: below that, no outage burns its budget fast enough to alert."
  }
  validation {
    condition     = var.objectives.latency_95 > 0 && var.objectives.latency_95 <= var.objectives.latency_99
    error_message = "95 % of requests are answered within at most as many milliseconds as 99 %."
  }
}

variable "emails" {
  description = "Addresses that alerts are sent to."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for e in var.emails : can(regex("^[^@ ]+@[^@ ]+[.][^@ ]+$", e))])
    error_message = "An address is name@host."
  }
}

variable "notification_channels" {
  description = "Channels made elsewhere that are told too: a pager's secret has no place in Terraform's state."
  type        = list(string)
  default     = []
}

variable "runbook_url" {
  description = "Address of docs/runbook.md where its headings are anchors, such as that of your repository; each alert links its own."
  type        = string
  default     = "https://orderflow.dev/docs/runbook.md"
  nullable    = false
  validation {
    condition     = can(regex("^https://[^#]+$", var.runbook_url))
    error_message = "The runbook's address is https and has no #: each alert adds its own."
  }
}

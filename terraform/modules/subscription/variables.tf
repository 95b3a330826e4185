variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "The project's number."
  type        = string
}

variable "region" {
  description = "Where the unit runs."
  type        = string
}

variable "unit" {
  description = "The function or service that hears of the events, once it is there."
  type        = string
}

variable "url" {
  description = "Its root URL, which is also the audience of its tokens."
  type        = string
  validation {
    condition     = can(regex("^https://[^/]+$", var.url))
    error_message = "A unit's URL is https, and its root without a slash at the end: it is compared with a token's audience."
  }
}

variable "timeout_seconds" {
  description = "How long the unit may work on one event."
  type        = number
  validation {
    condition     = var.timeout_seconds > 0 && var.timeout_seconds <= 600
    error_message = "A unit that takes events has at most 600 s for one: the longest acknowledgement deadline of Pub/Sub."
  }
}

variable "events" {
  description = "What it hears of: the topic and, in Pub/Sub's language, the filter of each event, by the event's short name."
  type        = map(object({ topic = string, filter = optional(string, "") }))
  validation {
    condition     = length(var.events) > 0
    error_message = "A unit without events needs no subscription."
  }
  validation {
    condition     = alltrue([for e in var.events : length(e.filter) <= 256])
    error_message = "A filter has at most 256 bytes (a Pub/Sub limit)."
  }
}

variable "dead_letter_topic" {
  description = "Where a message goes that was not taken in max_delivery_attempts, once Pub/Sub may publish there."
  type        = string
}

variable "max_delivery_attempts" {
  description = "After how many deliveries a message is given up. With the pauses between them, 10 are about 40 minutes."
  type        = number
  default     = 10
  validation {
    condition     = var.max_delivery_attempts >= 5 && var.max_delivery_attempts <= 100
    error_message = "max_delivery_attempts is 5 to 100 (a Pub/Sub limit)."
  }
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

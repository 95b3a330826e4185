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
  description = "The function that keeps dead letters, once it is there."
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
  description = "How long the unit may work on one dead letter."
  type        = number
  validation {
    condition     = var.timeout_seconds > 0 && var.timeout_seconds <= 600
    error_message = "A unit that takes messages has at most 600 s for one: the longest acknowledgement deadline of Pub/Sub."
  }
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "The topic's name and its schema's: the event's full name, orderflow.event.v1.OrderCreated."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$", var.name)) && !startswith(lower(var.name), "goog")
    error_message = "A topic's name has 3 to 255 letters, digits and -._~+%, begins with a letter and not with goog (a Pub/Sub limit)."
  }
}

variable "definition" {
  description = "The message as one self-contained .proto file."
  type        = string
  validation {
    condition     = length(var.definition) <= 300 * 1024
    error_message = "A schema has at most 300 KB (a Pub/Sub limit)."
  }
  validation {
    condition     = !can(regex("(?m)^import ", var.definition)) && length(regexall("(?m)^message ", var.definition)) == 1
    error_message = "A schema imports nothing and has exactly one message at its top (a Pub/Sub limit)."
  }
}

variable "retention_days" {
  description = "How long every message is kept, delivered or not, for a subscription to go back to."
  type        = number
  default     = 7
  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 31
    error_message = "A topic keeps messages for up to 31 days (a Pub/Sub limit)."
  }
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "Whose account it is. Its id is the first 30 characters of that."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.name)) && length(var.name) >= 6
    error_message = "An account's id has at least 6 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen (an IAM limit)."
  }
}

variable "purpose" {
  description = "What it is for, for people."
  type        = string
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do, with rights of their own."
  type        = string
  default     = null
  validation {
    condition     = var.deployer == null || can(regex("^[^@]+@[^@]+[.]gserviceaccount[.]com$", var.deployer))
    error_message = "deployer is the email address of a service account."
  }
}

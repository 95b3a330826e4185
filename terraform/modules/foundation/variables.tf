variable "project_id" {
  description = "The project."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "project_number" {
  description = "The project's number: Google's agents are named by it."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{1,19}$", var.project_number))
    error_message = "A project number has digits only: gcloud projects describe PROJECT --format='value(projectNumber)'."
  }
}

variable "services" {
  description = "APIs that are needed beside those of the pipeline, as compute.googleapis.com."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for s in var.services : endswith(s, ".googleapis.com")])
    error_message = "A service is called name.googleapis.com."
  }
}

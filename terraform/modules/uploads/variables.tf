variable "project_id" {
  description = "The project, once Cloud Storage may publish in it."
  type        = string
}

variable "project_number" {
  description = "The project's number."
  type        = string
}

variable "region" {
  description = "Where the buckets, the trigger and the units are."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is called as us-central1: a trigger of a multi-region's bucket would be elsewhere than its unit."
  }
}

variable "units" {
  description = "Names of the units that hear of uploads: as key for plans, as value once they are there."
  type        = map(string)
}

variable "keep_days" {
  description = "After how many days an imported file's copy and the parts of its rejects are deleted."
  type        = number
  default     = 30
  validation {
    condition     = var.keep_days >= 7
    error_message = "An import reads its file's copy until it ends, which may take days: keep it for a week at least."
  }
}

variable "protect" {
  description = "Production: buckets are not destroyed with content, and what was deleted can be had back for a week."
  type        = bool
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "project_number" {
  description = "The project's number."
  type        = string
}

variable "region" {
  description = "Where images and bundles are kept."
  type        = string
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do, with rights of their own."
  type        = string
  default     = null
}

variable "protect" {
  description = "Keep the bundles' bucket from being destroyed with content."
  type        = bool
}

variable "project_id" {
  description = "The project, once Pub/Sub has an agent in it."
  type        = string
}

variable "project_number" {
  description = "The project's number: Pub/Sub's agent is named by it."
  type        = string
}

variable "region" {
  description = "Where the bucket is."
  type        = string
}

variable "topics" {
  description = "Names of the topics that are archived: as key for plans, as value once they are there."
  type        = map(string)
}

variable "keep_days" {
  description = "After how many days an archived event is deleted."
  type        = number
  default     = 365
  validation {
    condition     = var.keep_days >= 60
    error_message = "After 30 days files go to Nearline, which bills 30 more: keep them for 60 days at least."
  }
}

variable "protect" {
  description = "Production: the bucket is not destroyed with content, and what was deleted can be had back for a week."
  type        = bool
}

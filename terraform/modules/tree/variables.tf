variable "root" {
  description = "The root of the repository."
  type        = string
}

variable "events" {
  description = "Full names of the events that have a schema."
  type        = set(string)
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where the workflow and what it calls run."
  type        = string
}

variable "name" {
  description = "The workflow's name."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9_-]{0,62}[a-z0-9]$", var.name))
    error_message = "A workflow's name has 2 to 64 letters, digits, hyphens and underscores, and begins with a letter (a Workflows limit)."
  }
}

variable "description" {
  description = "What it does."
  type        = string
  validation {
    condition     = length(var.description) <= 1000
    error_message = "A description has at most 1000 characters (a Workflows limit)."
  }
}

variable "definition" {
  description = "The workflow's YAML, as it is in its file."
  type        = string
  validation {
    condition     = length(var.definition) <= 128 * 1024
    error_message = "A workflow has at most 128 KB (a Workflows limit)."
  }
  validation {
    condition = alltrue([
      for e in regexall("sys[.]get_env\\(\"([A-Z0-9_]+)_URL\"\\)", var.definition) :
      contains([for n in keys(var.calls) : upper(replace(n, "-", "_"))], e[0])
    ])
    error_message = "The workflow reads the URL of a unit that it may not call: name it in that unit's yaml (trigger.saga, or a service's callers)."
  }
}

variable "calls" {
  description = "What it may call, by name: the unit, once it is there, and its root URL, which the workflow finds in NAME_URL."
  type        = map(object({ unit = string, url = string }))
  validation {
    condition     = length(var.calls) <= 20
    error_message = "A workflow has at most 20 environment variables (a Workflows limit), and so calls at most 20 units."
  }
  validation {
    condition     = alltrue([for n in keys(var.calls) : !can(regex("^(google|workflows)", n))])
    error_message = "A workflow's environment variables begin neither with GOOGLE nor with WORKFLOWS (a Workflows limit)."
  }
  validation {
    condition     = alltrue([for c in var.calls : can(regex("^https://[^/]+$", c.url))])
    error_message = "A unit's URL is https, and its root without a slash at the end: it is compared with a token's audience."
  }
}

variable "call_log_level" {
  description = "What of its calls is logged: LOG_NONE, LOG_ERRORS_ONLY or LOG_ALL_CALLS, which costs a line a step."
  type        = string
  default     = "LOG_ERRORS_ONLY"
  validation {
    condition     = contains(["LOG_NONE", "LOG_ERRORS_ONLY", "LOG_ALL_CALLS"], var.call_log_level)
    error_message = "call_log_level is LOG_NONE, LOG_ERRORS_ONLY or LOG_ALL_CALLS."
  }
}

variable "protect" {
  description = "Production: the workflow is not destroyed."
  type        = bool
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

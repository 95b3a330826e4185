variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where the unit runs."
  type        = string
}

variable "name" {
  description = "Its folder's name: also that of the function or service, of its account, and a part of its URL."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.name)) && length(var.name) >= 6 && length(var.name) <= 49
    error_message = "A unit's name has 6 to 49 lower-case letters, digits and hyphens: an account's id has 6 at least, a URL's label (NAME-PROJECT_NUMBER) 63 at most."
  }
}

variable "kind" {
  description = "function (Cloud Functions, 2nd gen) or service (gRPC on Cloud Run)."
  type        = string
  validation {
    condition     = contains(["function", "service"], var.kind)
    error_message = "kind is function or service."
  }
}

variable "url" {
  description = "Its root URL."
  type        = string
}

variable "summary" {
  description = "What it does, in a sentence."
  type        = string
  validation {
    condition     = length(var.summary) > 0 && length(var.summary) <= 512
    error_message = "A summary has 1 to 512 characters (a Cloud Run limit)."
  }
}

variable "bundle" {
  description = "Path of its bundle, NAME-HASH.zip."
  type        = string
  validation {
    condition     = can(regex("^${var.name}-[0-9a-f]{16}[.]zip$", basename(var.bundle)))
    error_message = "The unit has no bundle that is called NAME-HASH.zip: run `go run ./scripts/bundle`, and pass dist/bundles.tfvars.json with -var-file."
  }
}

variable "delivery" {
  description = "What it takes to build it: the outputs of module delivery."
  type        = object({ builder = string, repository = string, image_prefix = string, sources = string })
}

variable "env" {
  description = "Environment variables, besides those that every unit has."
  type        = map(string)
  default     = {}
  validation {
    condition = alltrue([
      for k in keys(var.env) : can(regex("^[A-Z][A-Z0-9_]*$", k)) && !can(regex("^(PORT$|K_|X_GOOGLE_|FUNCTION_)", k))
    ])
    error_message = "A variable is called with capital letters, digits and underscores, and not as one that Cloud Run sets."
  }
}

variable "secrets" {
  description = "Secrets that it reads, called as the environment variables that hold them. What reads one without a value is not deployed."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for s in var.secrets : can(regex("^[A-Z][A-Z0-9_]{0,254}$", s))])
    error_message = "A secret is called as an environment variable: capital letters, digits and underscores, at most 255."
  }
}

variable "databases" {
  description = "What it may do with which database: read or write."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for a in values(var.databases) : contains(["read", "write"], a)])
    error_message = "A database is opened to read or to write."
  }
}

variable "buckets" {
  description = "What it may do with which bucket, by its whole name: read or write."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for a in values(var.buckets) : contains(["read", "write"], a)])
    error_message = "A bucket is opened to read or to write."
  }
}

variable "topics" {
  description = "Topics it publishes to: as key for plans, as value once they are there."
  type        = map(string)
  default     = {}
}

variable "starts_workflows" {
  description = "Whether it starts executions."
  type        = bool
  default     = false
}

variable "internal" {
  description = "Whether only Pub/Sub, Eventarc, Cloud Scheduler and Workflows of this project reach it. Otherwise IAM alone admits."
  type        = bool
}

variable "cpu_always" {
  description = "Of a service: whether it has CPU between requests, which is billed for as long as an instance lives."
  type        = bool
  default     = false
  validation {
    condition     = !var.cpu_always || !contains(["128Mi", "256Mi"], var.memory)
    error_message = "CPU between requests takes 512Mi of memory at least (a Cloud Run limit)."
  }
}

variable "cpu" {
  description = "vCPUs."
  type        = number
  validation {
    condition     = (var.cpu >= 0.08 && var.cpu < 1) || contains([1, 2, 4, 6, 8], var.cpu)
    error_message = "cpu is 0.08 to less than 1, or 1, 2, 4, 6 or 8 (a Cloud Run limit)."
  }
}

variable "memory" {
  description = "Memory of an instance: 256Mi, 1Gi."
  type        = string
  validation {
    condition     = can(regex("^(128|256|512)Mi$|^(1|2|4|8|16|32)Gi$", var.memory))
    error_message = "memory is 128Mi, 256Mi, 512Mi, 1Gi, 2Gi, 4Gi, 8Gi, 16Gi or 32Gi."
  }
}

variable "timeout_seconds" {
  description = "How long it may work on a request."
  type        = number
  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "A timeout is 1 to 3600 whole seconds (a Cloud Run limit)."
  }
}

variable "concurrency" {
  description = "Requests at once in an instance."
  type        = number
  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "concurrency is 1 to 1000 (a Cloud Run limit)."
  }
  validation {
    condition     = var.concurrency == 1 || var.cpu >= 1
    error_message = "More than one request at once takes a whole cpu (a Cloud Run limit)."
  }
}

variable "min_instances" {
  description = "Instances that are kept warm."
  type        = number
  default     = 0
  validation {
    condition     = var.min_instances >= 0 && var.min_instances <= var.max_instances
    error_message = "min_instances is 0 to max_instances."
  }
}

variable "max_instances" {
  description = "Instances there may be. Nothing here is unlimited."
  type        = number
  validation {
    condition     = var.max_instances >= 1 && var.max_instances <= 1000
    error_message = "max_instances is 1 to 1000."
  }
}

variable "protect" {
  description = "Production: a service is not destroyed."
  type        = bool
}

variable "deployer" {
  description = "Email of the service account that applies this tree; null where people do."
  type        = string
  default     = null
}

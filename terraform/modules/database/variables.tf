variable "project_id" {
  description = "The project."
  type        = string
}

variable "name" {
  description = "The database's name, which is its bounded context's."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.name))
    error_message = "A database's name has 4 to 63 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen."
  }
}

variable "location" {
  description = "Region (us-central1) or multi-region (nam5, eur3)."
  type        = string
}

variable "indexes" {
  description = "Composite indexes, without the id at their end."
  type = list(object({
    collection = string
    fields     = list(object({ name = string, order = string }))
  }))
  default = []
  validation {
    condition     = alltrue([for i in var.indexes : length(i.fields) >= 2 && length(i.fields) < 100])
    error_message = "A composite index has 2 to 99 fields: one field alone is indexed without it (Firestore's limit is 100 with the id)."
  }
  validation {
    condition     = alltrue([for f in flatten(var.indexes[*].fields) : contains(["asc", "desc"], f.order)])
    error_message = "The order of an index's field is asc or desc."
  }
  validation {
    condition     = alltrue([for f in flatten(var.indexes[*].fields) : f.name != "__name__"])
    error_message = "The id is added to every index: leave __name__ out."
  }
}

variable "fields" {
  description = <<-EOT
    Fields that Firestore treats in a way of their own: those without the indexes that every field has, and the one time of a
    collection after which, with some days more, a document is deleted.
  EOT
  type = list(object({
    collection        = string
    field             = string
    indexed           = optional(bool, false)
    expire_after_days = optional(number)
  }))
  default = []
  validation {
    condition     = alltrue([for f in var.fields : !f.indexed || f.expire_after_days != null])
    error_message = "A field that is indexed and does not expire is as every field: leave it out."
  }
  validation {
    condition     = alltrue([for c, f in { for f in var.fields : f.collection => f.field... if f.expire_after_days != null } : length(f) == 1])
    error_message = "A collection has at most one field by which its documents expire (a Firestore limit)."
  }
}

variable "protect" {
  description = "Production: recovery of any minute of seven days, daily backups, no deletion."
  type        = bool
}

variable "backup_retention_days" {
  description = "How long a daily backup is kept."
  type        = number
  default     = 14
  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 98
    error_message = "A backup is kept for 1 to 98 days (a Firestore limit: 14 weeks)."
  }
}

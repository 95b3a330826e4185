locals {
  function = var.kind == "function"

  memory_mib = tonumber(regex("^[0-9]+", var.memory)) * (endswith(var.memory, "Gi") ? 1024 : 1)

  # What every unit has. Go gives memory back in time if it knows how much there is, less what is not Go's.
  env = merge(var.env, {
    GOOGLE_CLOUD_PROJECT = var.project_id # Cloud Run does not set it
    GOMEMLIMIT           = "${floor(local.memory_mib * 0.8)}MiB"
  })
}

module "account" {
  source = "../account"

  project_id = var.project_id
  name       = var.name
  purpose    = var.summary
  deployer   = var.deployer
}

# The bundle's name holds its hash. With one name for all contents nothing would be deployed again
# (terraform-provider-google #1938), or everything each time.
resource "google_storage_bucket_object" "bundle" {
  bucket       = var.delivery.sources
  name         = basename(var.bundle)
  source       = var.bundle
  content_type = "application/zip"
}

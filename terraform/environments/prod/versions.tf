terraform {
  required_version = ">= 1.9"
  # Not 8: it has other defaults for load balancers and secrets. Read its upgrade guide first.
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = "~> 7.0"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }

  # Said at init: -backend-config=bucket=PROJECT-terraform-state -backend-config=prefix=terraform/prod
  backend "gcs" {}
}

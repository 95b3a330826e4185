provider "google" {
  project = var.project_id
  region  = var.region

  default_labels = { app = "orderflow", environment = "dev" }
}

provider "google-beta" {
  project = var.project_id
  region  = var.region

  default_labels = { app = "orderflow", environment = "dev" }
}

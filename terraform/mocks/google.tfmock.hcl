# Values for what only Google knows. A mock makes up eight random letters for each, which the provider then refuses as a
# member or an account: whoever adds a resource whose output is another one's argument adds its shape here.

mock_resource "google_service_account" {
  defaults = {
    id     = "projects/mock-project/serviceAccounts/mock-account@mock-project.iam.gserviceaccount.com"
    name   = "projects/mock-project/serviceAccounts/mock-account@mock-project.iam.gserviceaccount.com"
    email  = "mock-account@mock-project.iam.gserviceaccount.com"
    member = "serviceAccount:mock-account@mock-project.iam.gserviceaccount.com"
  }
}

mock_resource "google_project_service_identity" {
  defaults = {
    email  = "mock-agent@mock-project.iam.gserviceaccount.com"
    member = "serviceAccount:mock-agent@mock-project.iam.gserviceaccount.com"
  }
}

mock_data "google_project" {
  defaults = {
    number = "123456789012"
  }
}

mock_data "google_storage_project_service_account" {
  defaults = {
    email_address = "service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
    member        = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
  }
}

# What Google would refuse in the middle of an apply is refused before it.
mock_provider "google" {
  source = "../../mocks"
}
mock_provider "time" {}

variables {
  project_id      = "orderflow-test"
  region          = "us-central1"
  name            = "place-order"
  kind            = "function"
  url             = "https://place-order-123456789012.us-central1.run.app"
  summary         = "Takes an order over HTTP."
  bundle          = "dist/place-order-0123456789abcdef.zip"
  internal        = false
  cpu             = 1
  memory          = "256Mi"
  timeout_seconds = 10
  concurrency     = 80
  max_instances   = 50
  protect         = true
  delivery        = { builder = "b", repository = "r", image_prefix = "p", sources = "orderflow-test-sources" }
}

run "many_at_once_take_a_whole_cpu" {
  command = plan
  variables {
    cpu = 0.5
  }
  expect_failures = [var.concurrency]
}

run "three_cpus_are_none" {
  command = plan
  variables {
    cpu = 3
  }
  expect_failures = [var.cpu]
}

run "more_than_a_thousand_at_once" {
  command = plan
  variables {
    concurrency = 1001
  }
  expect_failures = [var.concurrency]
}

run "longer_than_an_hour" {
  command = plan
  variables {
    timeout_seconds = 3601
  }
  expect_failures = [var.timeout_seconds]
}

run "unlimited_instances" {
  command = plan
  variables {
    max_instances = 0
  }
  expect_failures = [var.max_instances]
}

run "more_warm_than_there_may_be" {
  command = plan
  variables {
    min_instances = 51
  }
  expect_failures = [var.min_instances]
}

run "memory_has_a_unit" {
  command = plan
  variables {
    memory = "256M"
  }
  expect_failures = [var.memory]
}

run "cpu_between_requests_takes_memory" {
  command = plan
  variables {
    cpu_always = true
  }
  expect_failures = [var.cpu_always]
}

run "a_name_that_no_url_holds" {
  command = plan
  variables {
    name   = "a-function-with-a-name-so-long-that-it-has-no-url-x"
    bundle = "dist/a-function-with-a-name-so-long-that-it-has-no-url-x-0123456789abcdef.zip"
  }
  expect_failures = [var.name]
}

run "a_name_that_no_account_has" {
  command = plan
  variables {
    name   = "order"
    bundle = "dist/order-0123456789abcdef.zip"
  }
  expect_failures = [var.name]
}

run "anothers_bundle" {
  command = plan
  variables {
    bundle = "dist/get-order-0123456789abcdef.zip"
  }
  expect_failures = [var.bundle]
}

run "a_database_is_read_or_written" {
  command = plan
  variables {
    databases = { orders = "own" }
  }
  expect_failures = [var.databases]
}

run "a_bucket_is_read_or_written" {
  command = plan
  variables {
    buckets = { b = "own" }
  }
  expect_failures = [var.buckets]
}

run "cloud_runs_variables_are_cloud_runs" {
  command = plan
  variables {
    env = { PORT = "80" }
  }
  expect_failures = [var.env]
}

run "a_kind_is_one_of_two" {
  command = plan
  variables {
    kind = "job"
  }
  expect_failures = [var.kind]
}

# This repository as it is, and trees that contradict themselves in one way each.
variables {
  root   = "../../.."
  events = [for f in fileset("../pipeline/schemas", "*.proto") : trimsuffix(f, ".proto")]
}

run "this_tree" {
  command = plan

  assert {
    condition     = length(output.units) == length(fileset("../../..", "functions/*/*/function.yaml")) + length(fileset("../../..", "services/*/service.yaml"))
    error_message = "A folder of functions/ or services/ was not read."
  }
  assert {
    condition     = output.units["inventory"].kind == "service" && output.units["place-order"].kind == "function"
    error_message = "What is in services/ is a service."
  }
  assert {
    condition     = output.units["start-fulfilment"].trigger.events["PaymentFailed"].topic == "orderflow.event.v1.PaymentFailed" && output.units["start-fulfilment"].trigger.events["PaymentFailed"].filter != ""
    error_message = "An event keeps its filter, and has its full name."
  }
  assert {
    condition     = output.units["import-chunk"].seconds == 300 && output.units["get-order"].min_instances == 0
    error_message = "A timeout is in seconds, and what a yaml leaves out is its zero."
  }
  assert {
    condition     = length(flatten([for d in output.databases : d.indexes])) == length(yamldecode(file("../../../internal/store/indexes.yaml"))) && toset(keys(output.workflows)) == toset(["fulfil-order"])
    error_message = "Every index belongs to a database, every workflow has a file."
  }
}

run "nothing_is_there" {
  command = plan
  variables {
    root = "./tests/trees/empty"
  }
  expect_failures = [output.units]
}

run "an_event_has_a_schema" {
  command = plan
  variables {
    root = "./tests/trees/no-schema"
  }
  expect_failures = [output.units]
}

run "with_its_schema_that_tree_is_fine" {
  command = plan
  variables {
    root   = "./tests/trees/no-schema"
    events = ["orderflow.event.v1.OrderLost"]
  }
}

run "a_call_goes_to_a_service" {
  command = plan
  variables {
    root = "./tests/trees/no-service"
  }
  expect_failures = [output.units]
}

run "a_workflow_has_a_file" {
  command = plan
  variables {
    root = "./tests/trees/no-workflow"
  }
  expect_failures = [output.units]
}

run "a_bucket_is_one_of_ours" {
  command = plan
  variables {
    root = "./tests/trees/no-bucket"
  }
  expect_failures = [output.units]
}

run "an_index_is_of_a_database" {
  command = plan
  variables {
    root = "./tests/trees/no-database"
  }
  expect_failures = [output.units]
}

run "accounts_differ" {
  command = plan
  variables {
    root = "./tests/trees/same-account"
  }
  expect_failures = [output.units]
}

run "somebody_keeps_dead_letters" {
  command = plan
  variables {
    root = "./tests/trees/no-parker"
  }
  expect_failures = [output.units]
}

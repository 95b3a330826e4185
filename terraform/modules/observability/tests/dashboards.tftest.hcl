# A dashboard takes 50 widgets; units go on to a next one, so that a new unit never breaks an apply.
mock_provider "google" {
  source = "../../mocks"
}

variables {
  project_id = "orderflow-test"
  units      = { place-order = { timeout = "10s", max_instances = 50 } }
}

run "what_is_drawn" {
  command = plan

  assert {
    condition     = toset(keys(google_monitoring_dashboard.this)) == toset(["pipeline", "units-1"])
    error_message = "The dashboards are others."
  }
  assert {
    condition = alltrue(flatten([
      for d in google_monitoring_dashboard.this : [
        for t in jsondecode(d.dashboard_json).mosaicLayout.tiles : length(keys(t.widget)) == 2 && contains(keys(t.widget), "title")
        && alltrue([for set in try(t.widget.xyChart.dataSets, []) : length(set.timeSeriesQuery.prometheusQuery) > 20])
      ]
    ]))
    error_message = "A widget has no title, or draws nothing."
  }
  assert {
    condition = length(distinct([
      for t in jsondecode(google_monitoring_dashboard.this["pipeline"].dashboard_json).mosaicLayout.tiles : "${t.xPos} ${t.yPos}"
      ])) == length(jsondecode(google_monitoring_dashboard.this["pipeline"].dashboard_json).mosaicLayout.tiles) && alltrue([
      for t in jsondecode(google_monitoring_dashboard.this["pipeline"].dashboard_json).mosaicLayout.tiles : t.xPos + t.width <= 12
    ])
    error_message = "Tiles lie upon each other, or outside."
  }
}

run "a_new_unit_has_its_row" {
  command = plan
  variables {
    units = {
      place-order = { timeout = "10s", max_instances = 50 }
      get-invoice = { timeout = "10s", max_instances = 7 }
    }
  }

  assert {
    condition = [
      for t in jsondecode(google_monitoring_dashboard.this["units-1"].dashboard_json).mosaicLayout.tiles : t.widget.title if t.yPos == 0
    ] == ["get-invoice: requests a second", "get-invoice: ms", "get-invoice: instances, of 7"]
    error_message = "A unit's own file is not enough to show it."
  }
  assert {
    condition = alltrue([
      for t in jsondecode(google_monitoring_dashboard.this["units-1"].dashboard_json).mosaicLayout.tiles : alltrue([
        for set in t.widget.xyChart.dataSets : strcontains(set.timeSeriesQuery.prometheusQuery, "service_name=\"${split(":", t.widget.title)[0]}\"")
      ])
    ])
    error_message = "A row shows another unit."
  }
}

run "sixteen_units_are_one_page" {
  command = plan
  variables {
    units = merge({ place-order = { timeout = "10s", max_instances = 1 } }, { for i in range(15) : "unit-${i}" => { timeout = "10s", max_instances = 1 } })
  }

  assert {
    condition     = length(google_monitoring_dashboard.this) == 2 && length(jsondecode(google_monitoring_dashboard.this["units-1"].dashboard_json).mosaicLayout.tiles) == 48
    error_message = "Sixteen rows of three fit."
  }
}

run "fifty_one_units_are_all_shown" {
  command = plan
  variables {
    units = merge({ place-order = { timeout = "10s", max_instances = 1 } }, { for i in range(50) : "unit-${i}" => { timeout = "10s", max_instances = 1 } })
  }

  assert {
    condition     = alltrue([for d in google_monitoring_dashboard.this : length(jsondecode(d.dashboard_json).mosaicLayout.tiles) <= 50])
    error_message = "Google refuses a dashboard of more than 50 widgets."
  }
  assert {
    condition = toset(flatten([
      for d in google_monitoring_dashboard.this : [
        for t in jsondecode(d.dashboard_json).mosaicLayout.tiles : trimsuffix(t.widget.title, ": ms") if endswith(t.widget.title, ": ms")
      ]
    ])) == toset(concat(keys(var.units), ["Orders taken"]))
    error_message = "A unit is not shown."
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this["units-4"].dashboard_json).displayName == "Orderflow: units 4 of 4"
    error_message = "51 units are four pages."
  }
}

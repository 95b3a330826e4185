# Two kinds of dashboards: one of the pipeline, and the units', a row each. They are made of the units' own files, so a new
# unit has its row; a dashboard takes 50 widgets, so they go on to a next one.

locals {
  widgets_per_unit = 3
  units_per_page   = floor(50 / local.widgets_per_unit)
  pages            = chunklist(sort(keys(var.units)), local.units_per_page)

  quantiles = ["0.5", "0.95", "0.99"]
  latencies = "run_googleapis_com:request_latencies_bucket"

  pipeline = [
    { title = "Open incidents", queries = [] },
    {
      title   = "Orders taken: requests a second"
      queries = ["sum by (response_code_class) (rate(${local.requests}{${local.revision}, service_name=\"${var.intake}\"}[5m]))"]
    },
    {
      title   = "Orders taken: ms"
      queries = [for q in local.quantiles : "histogram_quantile(${q}, sum by (le) (rate(${local.latencies}{${local.revision}, service_name=\"${var.intake}\"}[5m])))"]
      legends = local.quantiles
    },
    {
      title   = "Gateway: requests a second"
      queries = ["sum by (response_code_class) (rate(${local.gateway}[5m]))"]
    },
    {
      title   = "Sagas ended a second"
      queries = ["sum by (status) (rate(workflows_googleapis_com:finished_execution_count{monitored_resource=\"workflows.googleapis.com/Workflow\", workflow_id=\"${var.workflow}\"}[5m]))"]
    },
    {
      title   = "Oldest trouble, in seconds"
      queries = [for key in keys(local.ages) : "histogram_quantile(0.99, sum by (le) (increase(${local.user}_${key}_bucket{${local.revision}}[15m])))"]
      legends = keys(local.ages)
    },
    {
      title   = "Oldest message, in seconds"
      queries = ["max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{${local.subscription}})"]
    },
    {
      title   = "Messages waiting"
      queries = ["max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.subscription}})"]
    },
    {
      title = "Dead letters: waiting for people, given up in 5 minutes"
      queries = [
        "max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{${local.subscription}, subscription_id=\"${local.dead_letters}\"})",
        "sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_dead_letter_message_count{${local.subscription}}[5m]))",
      ]
    },
    {
      title   = "Errors logged in 5 minutes"
      queries = ["sum by (service_name) (increase(${local.user}_errors{${local.revision}}[5m]))"]
    },
    {
      title   = "5xx a second"
      queries = ["sum by (service_name) (rate(${local.requests}{${local.revision}, response_code_class=\"5xx\"}[5m]))"]
    },
    {
      title   = "Firestore requests a second that are not OK"
      queries = ["sum by (database_id, response_code) (rate(firestore_googleapis_com:api_request_count{${local.database}, response_code!=\"OK\"}[5m]))"]
    },
  ]

  unit_widgets = {
    for name, u in var.units : name => [
      {
        title   = "${name}: requests a second"
        queries = ["sum by (response_code_class) (rate(${local.requests}{${local.revision}, service_name=\"${name}\"}[5m]))"]
      },
      {
        title   = "${name}: ms"
        queries = [for q in local.quantiles : "histogram_quantile(${q}, sum by (le) (rate(${local.latencies}{${local.revision}, service_name=\"${name}\"}[5m])))"]
        legends = local.quantiles
      },
      {
        title   = "${name}: instances, of ${u.max_instances}"
        queries = ["sum by (state) (${local.instances}{${local.revision}, service_name=\"${name}\"})"]
        limit   = u.max_instances
      },
    ]
  }

  dashboards = merge(
    { pipeline = { title = "Orderflow", widgets = local.pipeline } },
    { for i, page in local.pages : "units-${i + 1}" => {
      title   = "Orderflow: units${length(local.pages) > 1 ? " ${i + 1} of ${length(local.pages)}" : ""}"
      widgets = flatten([for name in page : local.unit_widgets[name]])
    } },
  )
}

resource "google_monitoring_dashboard" "this" {
  for_each = local.dashboards

  project = var.project_id
  dashboard_json = jsonencode({
    displayName = each.value.title
    mosaicLayout = {
      columns = 12
      # Three widgets a row.
      tiles = [for i, w in each.value.widgets : {
        xPos   = 4 * (i % 3)
        yPos   = 4 * floor(i / 3)
        width  = 4
        height = 4
        widget = { for key, value in {
          title        = w.title
          incidentList = length(w.queries) == 0 ? {} : null
          xyChart = length(w.queries) == 0 ? null : {
            dataSets = [for n, query in w.queries : {
              for key, value in {
                plotType        = "LINE"
                targetAxis      = "Y1"
                legendTemplate  = try(w.legends[n], null)
                timeSeriesQuery = { prometheusQuery = query }
              } : key => value if value != null
            }]
            thresholds = [for limit in try([w.limit], []) : { value = limit, targetAxis = "Y1" }]
          }
        } : key => value if value != null }
      }]
    }
  })
}

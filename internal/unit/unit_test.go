package unit_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/unit"
)

const good = `summary: Takes an order over HTTP.
trigger: {http: {method: POST, path: /v1/orders}}
databases: {orders: write}
cpu: 1
memory: 256Mi
timeout: 10s
concurrency: 80
max_instances: 50
`

const goodService = `summary: The stock.
callers: [place-order]
cpu: 0.5
memory: 512Mi
timeout: 15s
concurrency: 1
max_instances: 5
`

func tree(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestUnitsAreReadByName(t *testing.T) {
	t.Parallel()
	units, err := unit.Load(tree(map[string]string{
		"services/inventory/service.yaml":            goodService,
		"functions/orders/place-order/function.yaml": good,
		"functions/orders/README.md":                 "no unit",
		"functions/orders/deep/er/function.yaml":     "no unit: it is too deep",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := []unit.Unit{{
		Name: "inventory", Dir: "services/inventory", Service: true, Summary: "The stock.", Callers: []string{"place-order"},
		CPU: 0.5, Memory: "512Mi", Timeout: unit.Duration(15 * time.Second), Concurrency: 1, MaxInstances: 5,
	}, {
		Name: "place-order", Dir: "functions/orders/place-order", Summary: "Takes an order over HTTP.",
		Trigger:   unit.Trigger{HTTP: &unit.Route{Method: "POST", Path: "/v1/orders"}},
		Databases: map[string]unit.Access{"orders": "write"},
		CPU:       1, Memory: "256Mi", Timeout: unit.Duration(10 * time.Second), Concurrency: 80, MaxInstances: 50,
	}}
	if diff := cmp.Diff(want, units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	if got := []string{units[0].EnvName(), units[1].EnvName()}; !cmp.Equal(got, []string{"INVENTORY_URL", "PLACE_ORDER_URL"}) {
		t.Errorf("environment variables %v", got)
	}
}

func TestEveryComplaintNamesTheFile(t *testing.T) {
	t.Parallel()
	const limits = "must be set"
	for name, c := range map[string]struct {
		old, new string // in a good file
		want     string
	}{
		"no summary":                {"summary: Takes an order over HTTP.", "", "summary is missing"},
		"an unknown word":           {"memory:", "memroy:", "memroy"},
		"no trigger":                {"trigger: {http: {method: POST, path: /v1/orders}}", "", "exactly one trigger, this one has 0"},
		"two triggers":              {"{http:", "{saga: fulfil-order, http:", "exactly one trigger, this one has 2"},
		"all triggers":              {"{http: {method: POST, path: /v1/orders}}", "{http: {path: /v1/o}, webhook: {path: /v1/w}, saga: s, events: [{type: E}], schedule: '* * * * *', dead_letters: true, uploads: true}", "this one has 7"},
		"an access that is none":    {"orders: write", "orders: admin", `databases.orders is "admin"`},
		"a bucket that is none":     {"databases: {orders: write}", "buckets: {downloads: read}", "buckets.downloads is no bucket: there are uploads, reports"},
		"a bucket's access":         {"databases: {orders: write}", "buckets: {uploads: list}", `buckets.uploads is "list": it may be read or write`},
		"no memory":                 {"memory: 256Mi", "", limits},
		"no cpu":                    {"cpu: 1", "", limits},
		"no timeout":                {"timeout: 10s", "", limits},
		"no time":                   {"timeout: 10s", "timeout: 0s", limits},
		"no concurrency":            {"concurrency: 80", "", limits},
		"no bound":                  {"max_instances: 50", "", limits},
		"a timeout that is none":    {"timeout: 10s", "timeout: soon", "soon"},
		"concurrency without a cpu": {"cpu: 1", "cpu: 0.5", "needs at least 1 cpu"},
		"a route out of the API":    {"/v1/orders", "/orders", `"/orders" must begin with /v1/`},
		"a webhook out of the API":  {"{http: {method: POST, path: /v1/orders}}", "{webhook: {path: /w}}", `"/w" must begin with /v1/`},
		"a route without a method":  {"{method: POST, path: /v1/orders}", "{path: /v1/orders}", `"/v1/orders" has no method`},
		"an event without a type":   {"{http: {method: POST, path: /v1/orders}}", "{events: [{filter: f}]}", "has no type"},
		"no YAML":                   {"summary:", "\tsummary:", "yaml"},
		"empty":                     {good, "", "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const file = "functions/orders/place-order/function.yaml"
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatalf("%q is not in the good file", c.old)
			}
			_, err := unit.Load(tree(map[string]string{file: text, "services/inventory/service.yaml": goodService}))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), file+": ") || strings.Contains(err.Error(), "inventory") {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}

func TestAllComplaintsAreMadeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := unit.Load(tree(map[string]string{
		"functions/a/one/function.yaml": strings.Replace(strings.Replace(good, "summary: Takes an order over HTTP.", "", 1), "cpu: 1", "", 1),
		"functions/a/two/function.yaml": "nonsense: true",
		"functions/b/one/function.yaml": good,
		"services/two/service.yaml":     goodService,
	}))
	for _, want := range []string{
		"functions/a/one/function.yaml: summary is missing", "must be set", "functions/a/two/function.yaml: ",
		"functions/a/one and functions/b/one have one name", "functions/a/two and services/two have one name",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestAFunctionOfUploads(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, "{http: {method: POST, path: /v1/orders}}", "{uploads: true}", 1) + "buckets: {uploads: read, reports: write}\n"
	units, err := unit.Load(tree(map[string]string{"functions/imports/plan-import/function.yaml": text}))
	if err != nil {
		t.Fatal(err)
	}
	u := units[0]
	if !u.Trigger.Uploads || u.Route() != nil || !cmp.Equal(u.Buckets, map[string]unit.Access{"uploads": "read", "reports": "write"}) {
		t.Errorf("unit %+v", u)
	}
	if name, env := unit.BucketName("p", "uploads"), unit.BucketEnvName("uploads"); name != "p-uploads" || env != "UPLOADS_BUCKET" {
		t.Errorf("the bucket is %s, by %s", name, env)
	}
}

func TestRoutesAndTopics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trigger unit.Trigger
		want    *unit.Route
	}{
		"HTTP":    {unit.Trigger{HTTP: &unit.Route{Method: "GET", Path: "/v1/o"}}, &unit.Route{Method: "GET", Path: "/v1/o"}},
		"webhook": {unit.Trigger{Webhook: &unit.Route{Path: "/v1/w"}}, &unit.Route{Method: "POST", Path: "/v1/w"}},
		"saga":    {unit.Trigger{Saga: "s"}, nil},
	} {
		u := unit.Unit{Trigger: c.trigger}
		if diff := cmp.Diff(c.want, u.Route()); diff != "" {
			t.Errorf("%s: route (-want +got):\n%s", name, diff)
		}
	}
	if got := (unit.Event{Type: "OrderCreated"}).Topic(); got != "orderflow.event.v1.OrderCreated" {
		t.Errorf("topic %s", got)
	}
}

func TestThisTreesUnitsAreInOrder(t *testing.T) {
	t.Parallel()
	units, err := unit.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]unit.Unit{}
	for _, u := range units {
		byName[u.Name] = u
	}
	for _, name := range []string{"place-order", "confirm-order", "notify-customer", "sweep-journals", "inventory", "payment"} {
		if _, ok := byName[name]; !ok {
			t.Errorf("there is no %s", name)
		}
	}
	workflows := workflows(t)
	for _, u := range units {
		for _, called := range u.Calls {
			if !slices.Contains(byName[called].Callers, u.Name) {
				t.Errorf("%s calls %s, which does not have it among its callers", u.Name, called)
			}
		}
		for _, caller := range u.Callers {
			if _, ok := workflows[caller]; !ok && !slices.Contains(byName[caller].Calls, u.Name) {
				t.Errorf("%s has %s among its callers, which does not call it", u.Name, caller)
			}
		}
		for workflow, source := range workflows {
			calls := strings.Contains(source, `sys.get_env("`+u.EnvName()+`")`)
			if declared := u.Trigger.Saga == workflow || slices.Contains(u.Callers, workflow); calls != declared {
				t.Errorf("that %s calls %s is %v, that its file says so is %v", workflow, u.Name, calls, declared)
			}
		}
	}
}

// workflows are the sources of this tree's, by name.
func workflows(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../workflows/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	sources := map[string]string{}
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sources[strings.TrimSuffix(filepath.Base(f), ".yaml")] = string(source)
	}
	return sources
}

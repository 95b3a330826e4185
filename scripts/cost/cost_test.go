package main

import (
	"io/fs"
	"maps"
	"math/big"
	"os"
	"strings"
	"testing"

	"orderflow.dev/internal/unit"
)

var root = os.DirFS("../..")

func TestTheCommittedPageIsFresh(t *testing.T) {
	want, err := build(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + costsFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is stale: go run ./scripts/cost -write", costsFile)
	}
}

func TestCentsAreExact(t *testing.T) {
	for _, c := range []struct {
		usd      string
		per      int64
		quantity *big.Rat
		want     string
	}{
		{"0.01", 1000, rat(5_000_000), "50.00"},
		{"0.000024", 1, rat(70_000), "1.68"},
		{"40", 1024, big.NewRat(1, 4), "0.01"}, // 0.9765625 cents
		{"0.09", 100_000, rat(10_350_000), "9.32"},
		{"0.1", 1, big.NewRat(1, 20), "0.01"}, // half a cent
		{"0.1", 1, big.NewRat(49, 1000), "0.00"},
		{"0.1", 1, rat(3), "0.30"},
		{"0.07", 1, rat(100), "7.00"},
		{"3.00", 1_000_000, rat(1_000_000_000_000), "3,000,000.00"},
	} {
		l := line{price: price{USD: c.usd, Per: c.per}, quantity: c.quantity}
		if got := usd(l.cents()); got != c.want {
			t.Errorf("%s at $%s per %d: %s, want %s", c.quantity, c.usd, c.per, got, c.want)
		}
	}
}

func TestAMillionOfAMixture(t *testing.T) {
	endings := map[string]operations{"a": {1, 2, 3, 4, 5, 6}, "b": {10, 20, 30, 40, 50, 60}}
	sum, calls, err := million(endings, []share{{"a", 75, 1}, {"b", 25, 2}})
	want := operations{3_250_000, 6_500_000, 9_750_000, 13_000_000, 16_250_000, 19_500_000}
	if err != nil || sum != want || calls != 1_250_000 {
		t.Errorf("%+v, %d calls, %v; want %+v", sum, calls, err, want)
	}
	for name, mix := range map[string][]share{"99 %": {{"a", 99, 1}}, "an ending nobody counts": {{"c", 100, 1}}} {
		if _, _, err := million(endings, mix); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

const operationsTable = `# What an order costs

|    Ending | Reads | Writes | Publishes | Deliveries | Invocations | Steps |
|       --- |   --: |    --: |       --: |        --: |         --: |   --: |
| confirmed |     3 |     10 |         3 |          2 |           7 |     5 |
`

func TestTheTableOfOperationsIsReadStrictly(t *testing.T) {
	got, err := parseOperations(operationsTable)
	if want := map[string]operations{"confirmed": {3, 10, 3, 2, 7, 5}}; err != nil || !maps.Equal(got, want) {
		t.Fatalf("%v, %v; want %v", got, err, want)
	}
	for name, edit := range map[string]struct{ old, new string }{
		"a column is called otherwise": {"Writes", "Deletes"},
		"two columns are swapped":      {"Reads | Writes", "Writes | Reads"},
		"a cell is missing":            {"     3 |     10 |", "     3 |"},
		"a cell is empty":              {"|     10 |", "|        |"},
		"a cell is no whole number":    {"|     10 |", "|   10.5 |"},
		"a cell is negative":           {"|     10 |", "|    -10 |"},
		"there is no row":              {"| confirmed |     3 |     10 |         3 |          2 |           7 |     5 |\n", ""},
		"a row is there twice":         {"| confirmed |     3 |", "| confirmed | 3 | 10 | 3 | 2 | 7 | 5 |\n| confirmed |     3 |"},
	} {
		broken := strings.Replace(operationsTable, edit.old, edit.new, 1)
		if broken == operationsTable {
			t.Fatalf("%s: the edit changes nothing", name)
		}
		if got, err := parseOperations(broken); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

// The happy path, reckoned by hand from round prices.
func TestTheBillOfOrders(t *testing.T) {
	m := small(t)
	got := m.orders(operations{reads: 3_000_000, writes: 10_000_000, publishes: 3_000_000, deliveries: 2_000_000, invocations: 8_000_000, steps: 5_000_000}, 1_000_000, rat(10))
	want := []string{
		"workflow_steps 5000000 5,000,000.00",
		"firestore_writes 10000000 10,000,000.00",
		"firestore_reads 3000000 3,000,000.00",
		"firestore_expiries 1000000 1,000,000.00",
		"logging 8 8.00", // 8 million × (1024+24+25.741824) bytes
		"gateway_calls 1000000 1,000,000.00",
		"run_requests 8000000 8,000,000.00",
		"run_cpu 80000 80,000.00",    // 8 million × 100 ms at ten at once, the largest unit's CPU of 1
		"run_memory 40000 40,000.00", // and its 512 MiB
		"pubsub 6 6.00",              // 3 million published and as many delivered, 1073.741824 bytes each
		"pubsub_retention 36 36.00",  // 3 GiB for half a day of a month of an hour
		"pubsub_archive 3 3.00",
		"storage 72 72.00",            // for a day
		"storage_nearline 144 144.00", // for the other two
	}
	var lines []string
	for _, l := range got {
		lines = append(lines, l.price.Key+" "+l.quantity.RatString()+" "+usd(l.cents()))
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestAMonthAndAnImport(t *testing.T) {
	m := small(t)
	sums := func(lines []line) string {
		by := map[string]*big.Rat{}
		for _, l := range lines {
			if by[l.price.Key] == nil {
				by[l.price.Key] = new(big.Rat)
			}
			by[l.price.Key].Add(by[l.price.Key], l.quantity)
		}
		var out []string
		for _, p := range m.prices {
			if q := by[p.Key]; q != nil && q.Sign() > 0 {
				out = append(out, p.Key+" "+q.RatString())
			}
		}
		return strings.Join(out, ", ")
	}
	// One hour: one instance of 2 CPU and 1 GiB, one job that runs 60 times for 100 ms and reads 16 each time.
	want := "firestore_reads 960, run_cpu 6, run_memory 3, run_requests 60, run_instance_cpu 7200, run_instance_memory 3600, scheduler_jobs 1, secret_versions 2"
	if got := sums(m.month()); got != want {
		t.Errorf("a month: got\n%s, want\n%s", got, want)
	}
	// One call less an order; a second of an instance for ten.
	want = "workflow_steps 5000000, firestore_writes 12000, firestore_reads 3000, firestore_expiries 1000000, run_cpu 170000, run_memory 85000, run_requests 7000000, logging 7, storage 2"
	if got := sums(m.imported(operations{invocations: 8_000_000, steps: 5_000_000}, rat(10))); got != want {
		t.Errorf("an import: got\n%s, want\n%s", got, want)
	}
	if err := errorOf(m); err != nil {
		t.Error(err)
	}
}

func TestUnitsThatCannotBeReckoned(t *testing.T) {
	for name, spoil := range map[string]func(*unit.Unit){
		"another schedule":        func(u *unit.Unit) { u.Trigger.Schedule = "*/5 * * * *" },
		"memory in another unit":  func(u *unit.Unit) { u.Memory = "512M" },
		"memory without a number": func(u *unit.Unit) { u.Memory = "Mi" },
	} {
		m := small(t)
		spoil(&m.units[1])
		m.month()
		if errorOf(m) == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

// The page's advice is about what costs most.
func TestAdviceAboutSomethingElseFails(t *testing.T) {
	m := small(t)
	m.advice([]line{{price: m.price("firestore_writes"), quantity: rat(2)}, {price: m.price("workflow_steps"), quantity: rat(1)}})
	if errorOf(m) == nil {
		t.Error("Firestore costs more than Workflows: want an error")
	}
}

// small is a model in which everything costs a dollar.
func small(t *testing.T) *model {
	t.Helper()
	var prices, quantities strings.Builder
	for _, p := range []string{"workflow_steps Workflows", "firestore_writes Firestore", "firestore_reads Firestore",
		"firestore_expiries Firestore", "run_cpu Run", "run_memory Run",
		"run_requests Run", "run_instance_cpu Run", "run_instance_memory Run", "pubsub Pub/Sub", "gateway_calls Gateway", "logging Logging",
		"scheduler_jobs Scheduler", "secret_versions Secrets", "storage Storage", "pubsub_retention Pub/Sub", "pubsub_archive Pub/Sub", "storage_nearline Storage"} {
		key, product, _ := strings.Cut(p, " ")
		prices.WriteString("- {key: " + key + ", product: " + product + ", what: w, usd: '1', per: 1, unit: u, source: 'https://cloud.google.com/', read: page, looked_up: 2026-11-23}\n")
	}
	for _, q := range []string{"invocation_ms 100", "in_flight 10", "event_bytes 1073.741824", "log_line_bytes 1024", "log_entry_bytes 24",
		"request_log_bytes 25.741824", "month_hours 1", "sweep_reads 16", "import_rate 10", "import_writes 12", "import_reads 3", "import_order_bytes 1073.741824",
		"topic_retention_days 0.5", "archive_standard_days 1", "archive_days 3"} {
		key, value, _ := strings.Cut(q, " ")
		quantities.WriteString("- {key: " + key + ", value: '" + value + "', what: w, basis: rule, how: h}\n")
	}
	b, err := open([]byte(prices.String()), []byte(quantities.String()))
	if err != nil {
		t.Fatal(err)
	}
	return &model{book: b, units: []unit.Unit{
		{Name: "small", CPU: 1, Memory: "256Mi", Secrets: []string{"A", "B"}},
		{Name: "large", CPU: 1, Memory: "512Mi", Trigger: unit.Trigger{Schedule: "* * * * *"}},
		{Name: "warm", CPU: 2, Memory: "1Gi", MinInstances: 1},
	}}
}

func TestATreeThatDisagreesFails(t *testing.T) {
	for name, e := range map[string]edited{
		"a setting has another value":          {file: "functions/imports/import-chunk/function.go", old: "IMPORT_RATE, default=10", new: "IMPORT_RATE, default=20"},
		"a setting is gone":                    {file: "terraform/modules/database/variables.tf", old: "backup_retention_days", new: "retention"},
		"an ending of the mixture is not":      {file: operationsFile, old: "out of stock", new: "sold out"},
		"confirmed orders cost less than else": {file: operationsFile, old: " 5 |", new: " 0 |"},
	} {
		e.FS, e.t = root, t
		if _, err := build(e); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

// edited is a tree in which one file is different.
type edited struct {
	fs.FS
	file, old, new string
	t              *testing.T
}

func (e edited) ReadFile(name string) ([]byte, error) {
	text, err := fs.ReadFile(e.FS, name)
	if name != e.file || err != nil {
		return text, err
	}
	broken := strings.Replace(string(text), e.old, e.new, 1)
	if broken == string(text) {
		e.t.Fatalf("%s has no %q: the edit changes nothing", e.file, e.old)
	}
	return []byte(broken), nil
}

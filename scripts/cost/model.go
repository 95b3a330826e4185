package main

import (
	"math/big"
	"regexp"
	"slices"
	"strings"

	"orderflow.dev/internal/unit"
)

// model turns operations into lines of a bill. All of its arithmetic is exact: an amount is rounded once, to cents, when
// it becomes a line's.
type model struct {
	*book
	endings map[string]operations
	units   []unit.Unit
}

// line is a line of a bill: so many units of a price.
type line struct {
	price    price
	quantity *big.Rat
	note     string
}

// cents is what a line costs, rounded half up.
func (l line) cents() int64 {
	usd, _ := amount(l.price.USD) // open has read it
	c := new(big.Rat).Mul(usd, l.quantity)
	c.Mul(c, big.NewRat(100, l.price.Per))
	c.Add(c, big.NewRat(1, 2))
	return new(big.Int).Quo(c.Num(), c.Denom()).Int64() // nothing here is negative
}

// total adds lines up as they are shown.
func total(lines []line) (cents int64) {
	for _, l := range lines {
		cents += l.cents()
	}
	return cents
}

// orders is the bill of operations that a million orders need. With atOnce requests on an instance their seconds are shared.
func (m *model) orders(o operations, calls int64, atOnce *big.Rat) []line {
	seconds := quotient(product(rat(o.invocations), m.value("invocation_ms")), product(rat(1000), atOnce))
	return append([]line{
		{price: m.price("workflow_steps"), quantity: rat(o.steps)},
		{price: m.price("firestore_writes"), quantity: rat(o.writes)},
		{price: m.price("firestore_reads"), quantity: rat(o.reads)},
		{price: m.price("firestore_expiries"), quantity: rat(1_000_000), note: "notifications, by TTL"},
		{price: m.price("logging"), quantity: m.logs(o.invocations), note: "mostly assumed"},
		{price: m.price("gateway_calls"), quantity: rat(calls)},
		{price: m.price("run_requests"), quantity: rat(o.invocations)},
	}, append(append(m.time(seconds), line{price: m.price("pubsub"), quantity: m.events(o)}), m.archived(o)...)...)
}

// time is the bill of so many seconds of instances, each as large as the largest unit that scales to zero.
func (m *model) time(seconds *big.Rat) []line {
	cpu, memory := new(big.Rat), new(big.Rat)
	for _, u := range m.units {
		if u.MinInstances == 0 {
			cpu, memory = larger(cpu, m.cpu(u)), larger(memory, m.memory(u))
		}
	}
	return []line{
		{price: m.price("run_cpu"), quantity: product(seconds, cpu)},
		{price: m.price("run_memory"), quantity: product(seconds, memory)},
	}
}

func (m *model) cpu(u unit.Unit) *big.Rat { return new(big.Rat).SetFloat64(u.CPU) }

// memory is a unit's, in GiB.
func (m *model) memory(u unit.Unit) *big.Rat {
	number, divisor := strings.TrimSuffix(u.Memory, "Mi"), rat(1024)
	if number == u.Memory {
		number, divisor = strings.TrimSuffix(u.Memory, "Gi"), rat(1)
	}
	v, ok := amount(number)
	if !ok || number == u.Memory {
		m.fail("%s: memory %q is not written 256Mi or 1Gi", u.Name, u.Memory)
		return new(big.Rat)
	}
	return quotient(v, divisor)
}

// logs are the GiB that invocations log: our line, and Cloud Run's of the request.
func (m *model) logs(invocations int64) *big.Rat {
	bytes := sum(m.value("log_line_bytes"), m.value("log_entry_bytes"), m.value("request_log_bytes"))
	return quotient(product(rat(invocations), bytes), gib)
}

// events are the GiB of events. An event's type has at most one subscription, and an event that its filter drops is
// billed as delivered: so there are as many deliveries as publishes, or a few less.
func (m *model) events(o operations) *big.Rat {
	return quotient(product(rat(2*max(o.publishes, o.deliveries)), m.value("event_bytes")), gib)
}

// archived is the bill of events that are kept: in their topics, and as files until they are deleted.
func (m *model) archived(o operations) []line {
	size := quotient(product(rat(o.publishes), m.value("event_bytes")), gib)
	months := func(days *big.Rat) *big.Rat {
		return product(size, quotient(product(days, rat(24)), m.value("month_hours")))
	}
	standard, all := m.value("archive_standard_days"), m.value("archive_days")
	return []line{
		{price: m.price("pubsub_retention"), quantity: months(m.value("topic_retention_days")), note: "a week"},
		{price: m.price("pubsub_archive"), quantity: size},
		{price: m.price("storage"), quantity: months(standard), note: "the archive's first days"},
		{price: m.price("storage_nearline"), quantity: months(sum(all, product(rat(-1), standard))), note: "the archive's others"},
	}
}

// kept is the bill of a month for a million confirmed orders that are there.
func (m *model) kept() []line {
	size := quotient(product(rat(1_000_000), sum(m.value("order_bytes"), m.value("index_bytes"))), gib)
	return []line{
		{price: m.price("firestore_storage"), quantity: size},
		{price: m.price("firestore_pitr"), quantity: size},
		{price: m.price("firestore_backup"), quantity: product(size, m.value("backups")), note: "all of them"},
	}
}

// month is the bill of a month without an order.
func (m *model) month() []line {
	hours := m.value("month_hours")
	seconds, minutes := product(hours, rat(3600)), product(hours, rat(60))
	cpu, memory := new(big.Rat), new(big.Rat)
	var jobs, daily, secrets int64
	var warm []string
	for _, u := range m.units {
		if n := rat(int64(u.MinInstances)); n.Sign() > 0 {
			cpu, memory = sum(cpu, product(n, m.cpu(u))), sum(memory, product(n, m.memory(u)))
			warm = append(warm, u.Name)
		}
		secrets += int64(len(u.Secrets))
		switch s := u.Trigger.Schedule; {
		case s == "":
		case s == "* * * * *":
			jobs++
		case onceADay.MatchString(s):
			daily++
		default:
			m.fail("%s runs by %q: only the cost of a run every minute or every day is known here", u.Name, s)
		}
	}
	runs := sum(product(minutes, rat(jobs)), product(quotient(hours, rat(24)), rat(daily)))
	note := strings.Join(warm, ", ")
	busy := m.time(quotient(product(runs, m.value("invocation_ms")), rat(1000)))
	for i := range busy {
		busy[i].note = "the sweeps"
	}
	return append([]line{
		{price: m.price("run_instance_cpu"), quantity: product(seconds, cpu), note: note},
		{price: m.price("run_instance_memory"), quantity: product(seconds, memory), note: note},
		{price: m.price("scheduler_jobs"), quantity: rat(jobs + daily), note: "the sweeps"},
		{price: m.price("firestore_reads"), quantity: product(minutes, m.value("sweep_reads")), note: "the sweeps"},
		{price: m.price("run_requests"), quantity: runs, note: "the sweeps"},
		{price: m.price("secret_versions"), quantity: rat(secrets)},
	}, busy...)
}

// onceADay is a cron line of one run a day.
var onceADay = regexp.MustCompile(`^[0-9]+ [0-9]+ \* \* \*$`)

// warm is the bill of a month for what production keeps warm besides.
func (m *model) warm() []line {
	seconds := product(m.value("month_hours"), rat(3600), m.value("prod_warm"))
	cpu, memory := new(big.Rat), new(big.Rat)
	for _, name := range []string{"place-order", "payment"} {
		i := slices.IndexFunc(m.units, func(u unit.Unit) bool { return u.Name == name })
		if i < 0 {
			m.fail("there is no unit %s to keep warm", name)
			continue
		}
		cpu, memory = sum(cpu, m.cpu(m.units[i])), sum(memory, m.memory(m.units[i]))
	}
	return []line{
		{price: m.price("run_idle_cpu"), quantity: product(seconds, cpu)},
		{price: m.price("run_idle_memory"), quantity: product(seconds, memory)},
	}
}

// imported is the bill of a million orders that came in a file and were confirmed: those of HTTP without the gateway and
// without place-order, and what import-chunk does instead.
func (m *model) imported(confirmed operations, atOnce *big.Rat) []line {
	thousands := rat(1000)
	count := func(key string) int64 {
		n := product(thousands, m.value(key))
		if !n.IsInt() {
			m.fail("quantities.yaml: %s is no whole number", key)
		}
		return n.Num().Int64()
	}
	o := confirmed
	o.invocations -= 1_000_000
	o.writes += count("import_writes")
	o.reads += count("import_reads")
	lines := m.orders(o, 0, atOnce)
	for _, l := range m.time(quotient(rat(1_000_000), m.value("import_rate"))) {
		l.note = "import-chunk"
		lines = append(lines, l)
	}
	file := quotient(product(rat(1_000_000), m.value("import_order_bytes")), gib)
	return append(lines, line{price: m.price("storage"), quantity: product(file, rat(2)), note: "upload and copy"})
}

// optional is the bill of a month for what a variable turns on.
func (m *model) optional() []line {
	return []line{
		{price: m.price("balancer"), quantity: m.value("month_hours")},
		{price: m.price("armor_policies"), quantity: rat(1)},
		{price: m.price("armor_rules"), quantity: m.value("armor_policy_rules")},
	}
}

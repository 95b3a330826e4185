package main

import (
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"
)

var (
	happy = []share{{ending: "confirmed", percent: 100, calls: 1}}
	mixed = []share{
		{ending: "confirmed", percent: 80, calls: 1},
		{ending: "declined", percent: 10, calls: 1},
		{ending: "out of stock", percent: 5, calls: 1},
		{ending: "pending, then paid", percent: 5, calls: 2}, // the order and the provider's webhook
	}
)

// dominant is the product that the page's advice is about; another one needs other advice.
const dominant = "Workflows"

// page is docs/costs.md.
func (m *model) page() string {
	happyOps, happyCalls, err := million(m.endings, happy)
	if err != nil {
		m.fail("%w", err)
	}
	mixedOps, mixedCalls, err := million(m.endings, mixed)
	if err != nil {
		m.fail("%w", err)
	}
	atOnce, alone := m.value("in_flight"), rat(1)
	confirmed, other := m.orders(happyOps, happyCalls, atOnce), m.orders(mixedOps, mixedCalls, atOnce)
	month, imported := m.month(), m.imported(happyOps, atOnce)

	var b strings.Builder
	text := func(format string, args ...any) { fmt.Fprintf(&b, strings.TrimPrefix(format, "\n"), args...) }
	text(`
# What it costs

A million orders that are all confirmed: **$%s**. A month without any: **$%s**, in prod **$%s**.

List prices of us-central1 in US dollars, before free quotas, discounts and taxes. The operations are those that a test
counts ([operations.md](operations.md)); prices and the other quantities are below, each with where it is from. None of
it has been compared with an invoice yet. The page is computed (%s); a test fails when it is stale.

## A million orders

Orders of one line over HTTP. "Mixed": %s.

`, usd(total(confirmed)), usd(total(month)), usd(total(month)+total(m.warm())), "`go run ./scripts/cost -write`", describe(mixed))
	b.WriteString(m.compared(confirmed, other,
		m.orders(happyOps, happyCalls, alone), m.orders(mixedOps, mixedCalls, alone)))
	text(`

Cloud Run bills the time of instances, not of requests: requests that an instance works on at once share its seconds. The
first total has %s at once. The second has every request alone on its instance, as in a pipeline with little to do, whose
orders are few. Every request is counted as if it were paid for, also those to an instance that is paid for by the month.

%s

## A million orders that are kept

Every month, for each million orders in the databases. Recovery and backups are on where the environment protects its data
(prod):

%s
## A month without an order

%s
In prod also, so that no customer waits for a start:

%s
With the external load balancer also, which is off unless asked for:

%s
## A million orders from files

Uploaded files instead of HTTP, all orders confirmed:

%s
## What the numbers rest on

%s
%s`, plain(atOnce), m.advice(confirmed), m.table(m.kept()), m.table(month), m.table(m.warm()), m.table(m.optional()), m.table(imported),
		m.quantityTable(), m.priceTable())
	m.remainder(&b)
	return b.String()
}

func describe(mix []share) string {
	var parts []string
	for _, s := range mix {
		parts = append(parts, fmt.Sprintf("%d %% %s", s.percent, s.ending))
	}
	return strings.Join(parts, "; ")
}

// advice says what dominates a bill, and what can be done about it.
func (m *model) advice(lines []line) string {
	by := map[string]int64{}
	for _, l := range lines {
		by[l.price.Product] += l.cents()
	}
	for product, cents := range by {
		if cents > by[dominant] {
			m.fail("%s costs more than %s: the advice in page.go is about the latter", product, dominant)
		}
	}
	perStep := line{price: m.price("workflow_steps"), quantity: rat(1_000_000)}
	calls, _, _ := million(m.endings, happy) // page has asked before
	requestLogs := line{price: m.price("logging"), quantity: quotient(product(rat(calls.invocations), m.value("request_log_bytes")), gib)}
	return fmt.Sprintf(`**%s is %d %% of it.** The saga has no step for convenience; each step less in every order would save $%s a million.
Whoever needs it cheaper runs the saga in a function, and gives up Workflows' retries and the record of each execution.
After that come Firestore's writes, and logs: without Cloud Run's own entry of each request (an exclusion of
%s) it would be $%s less.`,
		dominant, (100*by[dominant]+total(lines)/2)/max(total(lines), 1), usd(perStep.cents()),
		"`run.googleapis.com/requests`", usd(requestLogs.cents()))
}

// what is billed on a line.
func (l line) what() string {
	if l.note == "" {
		return l.price.What
	}
	return l.price.What + " (" + l.note + ")"
}

// compared is the table of two bills with the same lines, and their totals; also those of every request alone.
func (m *model) compared(a, b, aAlone, bAlone []line) string {
	t := table{{"Product", "What", "Price", "Confirmed", "USD", "Mixed", "USD"}, {"---", "---", "---", "--:", "--:", "--:", "--:"}}
	for i := range a {
		p := a[i].price
		t = append(t, []string{p.Product, a[i].what(), m.cell(p), plain(a[i].quantity), usd(a[i].cents()), plain(b[i].quantity), usd(b[i].cents())})
	}
	return append(t,
		[]string{"**Total**", "", "", "", "**" + usd(total(a)) + "**", "", "**" + usd(total(b)) + "**"},
		[]string{"Total, every request alone", "", "", "", usd(total(aAlone)), "", usd(total(bAlone))}).String()
}

// table is a bill; what is not needed is left out.
func (m *model) table(lines []line) string {
	t := table{{"Product", "What", "Price", "Quantity", "USD"}, {"---", "---", "---", "--:", "--:"}}
	for _, l := range lines {
		if l.quantity.Sign() == 0 {
			continue
		}
		t = append(t, []string{l.price.Product, l.what(), m.cell(l.price), plain(l.quantity), usd(l.cents())})
	}
	return append(t, []string{"**Total**", "", "", "", "**" + usd(total(lines)) + "**"}).String()
}

// cell is a price with the number of its source.
func (m *model) cell(p price) string {
	for i := range m.prices {
		if m.prices[i].Key == p.Key {
			return p.String() + fmt.Sprintf(" [%d]", i+1) + marks[p.Read]
		}
	}
	return "no price" // the book reports it
}

var marks = map[reading]string{onPage: "", quoted: " †", nowhere: " ‡"}

func (p price) String() string {
	if p.Per == 1 {
		return fmt.Sprintf("$%s per %s", p.USD, p.Unit)
	}
	return fmt.Sprintf("$%s per %s %s", p.USD, grouped(fmt.Sprint(p.Per)), p.Unit)
}

// plain writes a quantity: whole, or with two decimals.
func plain(r *big.Rat) string {
	if r.IsInt() {
		return grouped(r.Num().String())
	}
	whole, fraction, _ := strings.Cut(r.FloatString(2), ".")
	return grouped(whole) + "." + fraction
}

// table is a Markdown table, padded so that it reads well as text.
type table [][]string

func (t table) String() string {
	widths := make([]int, len(t[0]))
	for _, row := range t {
		for i, c := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, row := range t {
		b.WriteString("|")
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if t[1][i] == "--:" {
				b.WriteString(" " + pad + c + " |")
			} else {
				b.WriteString(" " + c + pad + " |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

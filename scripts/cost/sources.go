package main

import (
	"fmt"
	"strings"
)

// quantityTable tells every quantity that is neither counted nor said by a unit, and how it is known.
func (m *model) quantityTable() string {
	t := table{{"Quantity", "Value", "Basis", "How it is known"}, {"---", "--:", "---", "---"}}
	for _, q := range m.quantities {
		v, _ := amount(q.Value) // open has read it
		t = append(t, []string{q.What, plain(v) + " " + q.Unit, q.Basis, strings.TrimSpace(q.How)})
	}
	return "### Quantities\n\nSizes of units, schedules, warm instances and secrets are those of their `function.yaml` and `service.yaml`.\n\n" +
		t.String()
}

// priceTable tells every price, and where it was read.
func (m *model) priceTable() string {
	t := table{{"#", "Price", "Of", "Free", "Source", "Looked up"}, {"--:", "---", "---", "---", "---", "---"}}
	var notes strings.Builder
	for i, p := range m.prices {
		source := fmt.Sprintf("[%s](%s)", p.Product, p.Source)
		if p.Read == nowhere {
			source = "**no source**"
		}
		t = append(t, []string{fmt.Sprint(i + 1), p.String() + marks[p.Read], p.Product + ": " + p.What, p.Free, source, p.LookedUp})
		if p.Note != "" {
			fmt.Fprintf(&notes, "- [%d] %s\n", i+1, strings.TrimSpace(p.Note))
		}
	}
	return `### Prices

List prices of us-central1. No mark: the figure stood in a copy of Google's page, which may be months old. †: that page
was named but the copy at hand did not show the figure, so it is as others quote the page. ‡: no source. Open a source
before you rely on a figure.

` + t.String() + "\n" + notes.String()
}

// remainder says what the page leaves out, so that nobody takes it for all.
func (m *model) remainder(b *strings.Builder) {
	slow := m.time(rat(100_000)) // 100 ms more for each of a million requests
	item := []line{{price: m.price("firestore_reads"), quantity: rat(1_000_000)}, {price: m.price("firestore_writes"), quantity: rat(1_000_000)}}
	fmt.Fprintf(b, `
### Not in it

- Starts of instances, and a slow payment provider: while a request waits for it, its instance is paid for. Each 100 ms
  of a million requests is $%s alone on an instance, and the share of that when several wait there.
- Further lines of an order: one read and one write each, $%s a million. Reading, listing and following orders.
  Redeliveries, retries and sweeps that find something, which a healthy day has few of.
- The catalogue's listener: a read of every product when an instance of inventory starts, and of each that changes.
- The archive's files themselves: while orders come in, one of each kind of event every five minutes, or every 100 MiB. Making
  it, moving it to Nearline and reading it for a replay are operations of Cloud Storage.
- Images of each deployed version (%s), build minutes of Cloud Build, metrics made of logs, answers to
  the internet.
- Alerts: from 1 September 2027 %s for each metric that a policy refers to.
`, usd(total(slow)), usd(total(item)), m.cell(m.price("images")), m.cell(m.price("alert_references")))
}

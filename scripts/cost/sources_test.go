package main

import (
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
)

var (
	reference = regexp.MustCompile(`^\$([0-9.]+) per ([0-9,]+ )?(.+?) \[([0-9]+)\]( [†‡])?$`)
	entry     = regexp.MustCompile(`^\$([0-9.]+) per ([0-9,]+ )?(.+?)( [†‡])?$`)
)

// Every amount of the committed page is its quantity times its price, and the price is in the list with its source. The
// page is read as a reader would: nothing here shares arithmetic with what wrote it.
func TestEveryAmountIsItsQuantityTimesAPriceWithASource(t *testing.T) {
	page, err := os.ReadFile("../../" + costsFile)
	if err != nil {
		t.Fatal(err)
	}
	rows := tables(string(page))
	listed := map[string][]string{}
	for _, row := range rows {
		if len(row) == 6 && entry.MatchString(row[1]) {
			listed[row[0]] = row
		}
	}
	amounts := 0
	for _, row := range rows {
		if len(row) == 6 || len(row) == 4 || strings.Contains(row[0], "otal") || row[0] == "---" || row[len(row)-1] == "USD" {
			continue
		}
		ref := reference.FindStringSubmatch(row[2])
		if ref == nil {
			t.Errorf("%s, %s: the price %q has no number of a source", row[0], row[1], row[2])
			continue
		}
		source := listed[ref[4]]
		if source == nil || strings.TrimSuffix(source[1], ref[5]) != strings.TrimSuffix(strings.Replace(row[2], " ["+ref[4]+"]", "", 1), ref[5]) {
			t.Errorf("%s, %s: source %s is %q, not %q", row[0], row[1], ref[4], source, row[2])
			continue
		}
		if !strings.Contains(source[4], "](https://") && !strings.Contains(source[4], "no source") || source[5] == "" {
			t.Errorf("source %s has no page or no date: %q", ref[4], source)
		}
		for i := 3; i < len(row); i += 2 {
			amounts++
			agree(t, row, number(t, row[i]), number(t, ref[1]), number(t, ref[2]), number(t, row[i+1]))
		}
	}
	if amounts < 40 {
		t.Errorf("only %d amounts were found", amounts)
	}
}

// agree allows for the quantity's second decimal, and for the cent.
func agree(t *testing.T, row []string, quantity, price, per, want *big.Rat) {
	t.Helper()
	if per.Sign() == 0 {
		per = big.NewRat(1, 1)
	}
	each := new(big.Rat).Quo(price, per)
	off := new(big.Rat).Sub(new(big.Rat).Mul(quantity, each), want)
	slack := new(big.Rat).Add(big.NewRat(1, 200), new(big.Rat).Mul(each, big.NewRat(1, 200)))
	if off.Abs(off).Cmp(slack) > 0 {
		t.Errorf("%q: %s times %s is not %s", row, quantity.FloatString(2), each.FloatString(9), want.FloatString(2))
	}
}

func number(t *testing.T, s string) *big.Rat {
	t.Helper()
	s = strings.ReplaceAll(strings.TrimSpace(s), ",", "")
	if s == "" {
		return new(big.Rat)
	}
	r, ok := amount(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

// tables are the cells of all rows of all tables.
func tables(page string) (rows [][]string) {
	for l := range strings.Lines(page) {
		if !strings.HasPrefix(l, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(l), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

const (
	goodPrice    = "- {key: k, product: p, what: w, usd: '0.01', per: 1000, unit: steps, source: 'https://cloud.google.com/x', read: page, looked_up: 2026-11-23}\n"
	goodQuantity = "- {key: q, value: '10', unit: ms, what: w, basis: rule, how: h}\n"
)

func TestANumberWithoutASourceIsRefused(t *testing.T) {
	if _, err := open([]byte(goodPrice), []byte(goodQuantity)); err != nil {
		t.Fatal(err)
	}
	for name, edit := range map[string]struct{ old, new string }{
		"no source":                 {"source: 'https://cloud.google.com/x', ", ""},
		"a source that is no link":  {"https://cloud.google.com/x", "somebody said so"},
		"a page of somebody else's": {"https://cloud.google.com/x", "https://example.com/cloud.google.com"},
		"an insecure page":          {"https://", "http://"},
		"no date":                   {", looked_up: 2026-11-23", ""},
		"a date that is none":       {"2026-11-23", "2026-23-11"},
		"how it was read":           {"read: page", "read: guessed"},
		"a guess without a note":    {"read: page", "read: none"},
		"no amount":                 {"usd: '0.01'", "usd: ''"},
		"an exponent":               {"usd: '0.01'", "usd: '1e-2'"},
		"a negative amount":         {"usd: '0.01'", "usd: '-0.01'"},
		"per nothing":               {"per: 1000", "per: 0"},
		"no unit":                   {"unit: steps, ", ""},
		"a field nobody knows":      {"per: 1000", "pre: 1000"},
		"no basis":                  {"basis: rule, ", ""},
		"another basis":             {"basis: rule", "basis: felt"},
		"no reason":                 {", how: h", ""},
		"no value":                  {"value: '10'", "value: ''"},
		"a value that is no number": {"value: '10'", "value: ten"},
		"one key twice":             {"key: q", "key: k"},
	} {
		prices, quantities := strings.Replace(goodPrice, edit.old, edit.new, 1), strings.Replace(goodQuantity, edit.old, edit.new, 1)
		if prices+quantities == goodPrice+goodQuantity {
			t.Fatalf("%s: the edit changes nothing", name)
		}
		if _, err := open([]byte(prices), []byte(quantities)); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestAGuessIsMarked(t *testing.T) {
	guess := strings.Replace(strings.Replace(goodPrice, "read: page", "read: none", 1), "}", ", note: a neighbour pays it}", 1)
	b, err := open([]byte(guess), []byte(goodQuantity))
	if err != nil {
		t.Fatal(err)
	}
	m := model{book: b}
	if got := m.priceTable(); !strings.Contains(got, "**no source**") || !strings.Contains(got, "a neighbour pays it") {
		t.Errorf("the list does not say that there is no source:\n%s", got)
	}
	if got := m.cell(b.price("k")); !strings.HasSuffix(got, "[1] ‡") {
		t.Errorf("the cell is %q", got)
	}
}

func TestWhatIsMissingOrNotUsedIsTold(t *testing.T) {
	b, err := open([]byte(goodPrice), []byte(goodQuantity))
	if err != nil {
		t.Fatal(err)
	}
	b.price("k")
	if err := b.err(); err == nil || !strings.Contains(err.Error(), "nothing uses q") {
		t.Errorf("%v; want that nothing uses q", err)
	}
	b.value("q")
	if err := b.err(); err != nil {
		t.Error(err)
	}
	b.price("other")
	b.value("else")
	if err := b.err(); err == nil || !strings.Contains(err.Error(), "prices.yaml has no other") || !strings.Contains(err.Error(), "quantities.yaml has no else") {
		t.Errorf("%v; want both that are missing", err)
	}
}

// errorOf is what went wrong, whether or not everything was used.
func errorOf(m *model) error {
	for _, p := range m.prices {
		m.used[p.Key] = true
	}
	for _, q := range m.quantities {
		m.used[q.Key] = true
	}
	return m.err()
}

package rows_test

import (
	"encoding/json"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

const catalogueHead = "sku,name,unit_price,currency,stock\n"

// openCatalogue opens a catalogue that can be opened.
func openCatalogue(t *testing.T, file string) *rows.Reader {
	t.Helper()
	r, err := rows.Open(strings.NewReader(file), rows.Columns{Kind: rows.Catalogue}, rows.Limits{})
	if err != nil {
		t.Fatalf("open %.200q: %v", file, err)
	}
	return r
}

func TestCatalogueIsReadInEveryFormat(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"CSV":        catalogueHead + "A/1,\"MUG, BLUE\",2.5,GBP,7\nB,Tee,300,JPY,0\n",
		"semicolons": "stock;SKU;x;currency;name;unit_price\n 7 ;A/1;;GBP;\"MUG, BLUE\";2.50\n0;B;order;JPY;Tee;300",
		"NDJSON": `{"sku":"A/1","name":"MUG, BLUE","unit_price":2.50,"currency":"GBP","stock":7}` + "\n" +
			`{"sku":"B","name":"Tee","unit_price":"300","currency":"JPY","stock":"0","quantity":"many"}`,
	} {
		found := all(t, openCatalogue(t, file))
		if len(found) != 2 {
			t.Fatalf("%s: rows %+v", name, found)
		}
		a, b := found[0], found[1]
		if a.Err != nil || a.SKU != "A/1" || a.Name != "MUG, BLUE" || *a.UnitPrice != 250 || a.Currency != "GBP" || a.Stock != 7 || a.OrderRef != "" {
			t.Errorf("%s: row %+v", name, a)
		}
		if b.Err != nil || b.SKU != "B" || *b.UnitPrice != 300 || b.Currency != "JPY" || b.Stock != 0 {
			t.Errorf("%s: row %+v", name, b)
		}
	}
}

func TestEverythingWrongWithACatalogueRowIsTold(t *testing.T) {
	t.Parallel()
	for row, words := range map[string][]string{
		",,,,":                      {"sku is missing", "name is missing", "unit_price is missing", "stock is missing"},
		"A,Tea,1.00,,1":             {"currency is missing"},
		"A,Tea,1.005,GBP,1":         {"unit_price", "2 decimals"},
		"A,Tea,-1,GBP,1":            {"unit_price", "negative"},
		"A,Tea,10000000000.01,GBP,": {"unit_price", "more than we take", "stock is missing"},
		"A,Tea,1,pounds,1":          {"currency", "three capital letters"},
		"A,Tea,1,GBP,-1":            {"stock is -1: it must be at least 0"},
		"A,Tea,1,GBP,1.5":           {`stock is "1.5": it must be a whole number`},
		"A,Tea,1,GBP,1000000001":    {"stock is 1000000001: the most is 1000000000"},
		"A," + strings.Repeat("é", 201) + ",1,GBP,1": {"name is 201 characters long: the most is 200"},
		strings.Repeat("é", 65) + ",Tea,1,GBP,1":     {"sku is 65 characters long"},
	} {
		found := all(t, openCatalogue(t, catalogueHead+row))
		if len(found) != 1 {
			t.Fatalf("%s: rows %+v", row, found)
		}
		tells(t, row, found[0].Err, "bad_row", words...)
	}
	if found := all(t, openCatalogue(t, catalogueHead+"A,"+strings.Repeat("é", 200)+",10000000000.00,GBP,1000000000")); found[0].Err != nil {
		t.Errorf("the most of everything: %v", found[0].Err)
	}
}

func TestCatalogueNeedsItsOwnColumns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, reason, words string }{
		"empty":           {"", "empty_file", "sku, name, unit_price, currency and stock"},
		"a file of order": {head + "A,C,S,1\n", "wrong_header", "no column name, unit_price, currency and stock"},
	} {
		_, err := rows.Open(strings.NewReader(c.file), rows.Columns{Kind: rows.Catalogue}, rows.Limits{})
		tells(t, name, err, c.reason, c.words)
	}
}

func TestCatalogueColumnsAreMapped(t *testing.T) {
	t.Parallel()
	columns, err := rows.ParseColumns(rows.Catalogue, []byte(`{"columns": {"StockCode":"sku","Description":"name"}, "defaults": {"currency":"GBP"}}`))
	if err != nil {
		t.Fatal(err)
	}
	r, err := rows.Open(strings.NewReader("StockCode,Description,unit_price,stock\nA,Tea,1.5,3\nB,Tee,2,4\n"), columns, rows.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	wire, err := json.Marshal(r.Layout())
	if err != nil {
		t.Fatal(err)
	}
	var l rows.Layout
	if err := json.Unmarshal(wire, &l); err != nil {
		t.Fatal(err)
	}
	const rest = "B,Tee,2,4\n"
	found := all(t, resume(t, rest, l, rows.Span{Line: 3}))
	if len(found) != 1 || found[0].Err != nil || found[0].SKU != "B" || *found[0].UnitPrice != 200 || found[0].Currency != "GBP" || found[0].Line != 3 {
		t.Errorf("rows by a layout from JSON: %+v", found)
	}
	for file, words := range map[string]string{
		`{"columns": {"a":"quantity"}}`: "none of sku, name, unit_price, currency and stock",
		`{"defaults": {"sku":"A"}}`:     "an sku of its own",
		`{"defaults": {"stock":"-1"}}`:  "stock is -1",
		`{"kind": "catalogue"}`:         `"kind" is not known`,
	} {
		_, err := rows.ParseColumns(rows.Catalogue, []byte(file))
		tells(t, file, err, "bad_columns", words)
	}
}

// Rows of a catalogue have nothing to do with one another, whatever stands beside them.
func TestEveryCatalogueRowIsAGroup(t *testing.T) {
	t.Parallel()
	const file = catalogueHead + "A,Tea,1,GBP,1\n,Tea,1,GBP,1\n\nA,Tea,1,GBP,1\nB,Tee\n"
	found := groups(t, openCatalogue(t, file))
	var lines []int64
	for _, g := range found {
		if len(g.Rows) != 1 || !g.Checkpoint || g.Part != 0 || g.Span != g.Rows[0].Span || (g.Err() == nil) != (g.Rows[0].SKU == "A") {
			t.Errorf("group %+v: %v", g, g.Err())
		}
		lines = append(lines, g.Line)
	}
	same(t, "lines", []int64{2, 3, 5, 6}, lines)
	if cut := parts(t, openCatalogue(t, file), 1<<62); len(cut) != 1 || cut[0].End != int64(len(file)) || cut[0].LastLine != 6 {
		t.Errorf("parts %+v", cut)
	}
}

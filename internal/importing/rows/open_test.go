package rows_test

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"orderflow.dev/internal/importing/rows"
)

func TestFilesThatCannotBeReadAreToldWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, reason string
		words        []string
	}{
		"empty":             {"", "empty_file", []string{"is empty", "order_ref, customer_id, sku and quantity"}},
		"only a mark":       {"\xEF\xBB\xBF", "empty_file", nil},
		"only blank lines":  {"\n \r\n\t\n", "empty_file", nil},
		"wrong header":      {"Invoice,sku,qty\n", "wrong_header", []string{"no column order_ref, customer_id and quantity", `It has "Invoice", "sku" and "qty"`}},
		"with semicolons":   {"Invoice;Menge\n", "wrong_header", []string{`It has "Invoice" and "Menge"`}},
		"no header":         {"A1,C1,S1,1\nA2,C1,S1,1\n", "wrong_header", []string{`"A1", "C1"`}},
		"column twice":      {head[:len(head)-1] + ",SKU \n", "wrong_header", []string{`"sku" and "SKU " are both sku`}},
		"quote not closed":  {"order_ref,\"sku\nA,B\n", "wrong_header", []string{"a quote in it is not closed"}},
		"header too long":   {strings.Repeat("x,", 1<<20) + head, "wrong_header", []string{"longer than 1048576 bytes"}},
		"many columns":      {strings.Repeat("x,", 100) + "y\n", "wrong_header", []string{"and 81 others"}},
		"Latin-1":           {"order_ref,\xE9\n", "not_text", []string{"byte 11 of its header is 0xE9", "UTF-8"}},
		"Latin-1, later":    {"order_ref,\"a\n\xE9\",customer_id,sku,quantity\n", "not_text", []string{"byte 14"}},
		"UTF-16":            {"\xFF\xFEo\x00r\x00", "not_text", []string{"UTF-16"}},
		"Excel":             {"PK\x03\x04\x14\x00\n", "not_text", []string{"Excel workbook"}},
		"gzip":              {"\x1F\x8B\x08\x00", "not_text", []string{"gzip", ".gz"}},
		"binary":            {"\x7FELF\x02\x01\x01\x00\x00\n", "not_text", []string{"byte 8 of its header is zero"}},
		"binary, long":      {"PK\x03\x04" + strings.Repeat("x", 2<<20), "not_text", []string{"zip archive"}},
		"JSON array":        {"[\n{}]", "not_text", []string{"one object a line"}},
		"array, long lines": {"[" + strings.Repeat("{},", 1<<20), "not_text", []string{"one object a line"}},
	} {
		r, err := rows.Open(strings.NewReader(c.file), rows.Columns{}, rows.Limits{})
		if r != nil && err != nil {
			r = nil
		}
		if r != nil {
			t.Errorf("%s: it opens", name)
		}
		tells(t, name, err, c.reason, c.words...)
	}
}

func TestHeaderOnlyHasNoRows(t *testing.T) {
	t.Parallel()
	for _, file := range []string{head, head[:len(head)-1], head + "\n\r\n"} {
		if found := all(t, open(t, file, rows.Limits{})); len(found) != 0 {
			t.Errorf("%q: %+v", file, found)
		}
	}
}

// The same two orders, written in all ways.
func TestEveryFormatGivesTheSameRows(t *testing.T) {
	t.Parallel()
	type order struct {
		ref, customer, sku, note string
		quantity                 int32
		line                     int64
	}
	for name, c := range map[string]struct {
		file  string
		lines [2]int64
	}{
		"commas":               {"order_ref,customer_id,sku,quantity,note\nA,C,S,1,x;y\nB,D,T,2,\n", [2]int64{2, 3}},
		"no last break":        {"order_ref,customer_id,sku,quantity,note\nA,C,S,1,x;y\nB,D,T,2,", [2]int64{2, 3}},
		"semicolons":           {"order_ref;customer_id;sku;quantity;note\nA;C;S;1;\"x;y\"\nB;D;T;2;\n", [2]int64{2, 3}},
		"tabs, other order":    {"note\tsku\tother\tquantity\torder_ref\tcustomer_id\nx;y\tS\t\t1\tA\tC\n\tT\t\t2\tB\tD\n", [2]int64{2, 3}},
		"mark and CRLF":        {"\xEF\xBB\xBForder_ref,customer_id,sku,quantity,note\r\nA,C,S,1,x;y\r\nB,D,T,2,\r\n", [2]int64{2, 3}},
		"blank lines, a frame": {"\n\r\norder_ref,customer_id,sku,quantity,note\n\nA,C,S,1,x;y\n \t\nB,D,T,2,\n\n", [2]int64{5, 7}},
		"all quoted":           {"\"ORDER_REF\",\" Customer_ID \",\"sku\",\"quantity\",\"note\"\n\"A\",\"C\",\"S\",\"1\",\"x;y\"\n\" B \",\"D\",\"T\",\"2\",\"\"\n", [2]int64{2, 3}},
		"header over lines":    {"order_ref,customer_id,sku,quantity,note,\"a\nb\"\nA,C,S,1,x;y,\nB,D,T,2,,\n", [2]int64{3, 4}},
		"NDJSON":               {"{\"order_ref\":\"A\",\"customer_id\":\"C\",\"sku\":\"S\",\"quantity\":1,\"note\":\"x;y\"}\n{\"quantity\":\"2\",\"ORDER_REF\":\"B\",\"customer_id\":\"D\",\"x\":[{}],\"sku\":\"T\",\"note\":null}\n", [2]int64{1, 2}},
		"NDJSON, mark, CRLF":   {"\xEF\xBB\xBF\r\n{\"order_ref\":\"A\",\"customer_id\":\"C\",\"sku\":\"S\",\"quantity\":1,\"note\":\"x;y\"}\r\n{\"quantity\":2,\"order_ref\":\"B\",\"customer_id\":\"D\",\"sku\":\"T\"}", [2]int64{2, 3}},
	} {
		var got []order
		for _, row := range all(t, open(t, c.file, rows.Limits{})) {
			if row.Err != nil {
				t.Errorf("%s: %v", name, row.Err)
			}
			got = append(got, order{row.OrderRef, row.CustomerID, row.SKU, row.Note, row.Quantity, row.Line})
		}
		want := []order{{"A", "C", "S", "x;y", 1, c.lines[0]}, {"B", "D", "T", "", 2, c.lines[1]}}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestColumnsAreMappedAndDefaultsFillWhatIsNotThere(t *testing.T) {
	t.Parallel()
	columns, err := rows.ParseColumns(rows.Orders, []byte(`{"columns": {"InvoiceNo":"order_ref", "StockCode ":"sku", "STOCKCODE":"sku"}, "defaults": {"customer_id":"me","currency":"GBP"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{
		"CSV":    "invoiceno,STOCKCODE,quantity,unit_price\nA,S,2,2.55\n",
		"NDJSON": `{"InvoiceNo":"A","stockcode":"S","quantity":2,"unit_price":2.55}`,
	} {
		r, err := rows.Open(strings.NewReader(file), columns, rows.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		row, err := r.Next()
		if err != nil || row.Err != nil || row.OrderRef != "A" || row.SKU != "S" || row.CustomerID != "me" || row.Currency != "GBP" || *row.UnitPrice != 255 {
			t.Errorf("%s: %+v, error %v", name, row, err)
		}
	}
	if r, err := rows.Open(strings.NewReader("InvoiceNo,quantity,order_ref\n"), columns, rows.Limits{}); err == nil {
		t.Errorf("two columns for order_ref: %+v", r.Layout())
	}
}

func TestColumnsThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	for file, words := range map[string]string{
		``:                                     "must be one, in braces",
		`[]`:                                   "must be one, in braces",
		`{"columns": {}} x`:                    "something follows",
		`{"columns": {}`:                       "ends in the middle",
		`{"column": {}}`:                       `"column" is not known`,
		`{"columns": {}, "columns": {}}`:       `"columns" is not known`,
		`{"columns": {"a": 1}}`:                `the value of "a" must be a string`,
		`{"columns": {"a": null}}`:             `the value of "a" must be a string`,
		`{"columns": {"a":"sku","a":"sku"}}`:   `has "a" twice`,
		`{"columns": {"a":"sku","A ":"note"}}`: `is to be both note and sku`,
		`{"columns": {"a":"SKU"}}`:             `"a" is to be "SKU", which is none of order_ref`,
		`{"defaults": {"a":"1"}}`:              `"a" is none of order_ref`,
		`{"defaults": {"order_ref":"1"}}`:      `an order_ref of its own`,
		`{"defaults": {"quantity":"1.5"}}`:     `quantity is "1.5": it must be a whole number`,
		`{"defaults": {"currency":"pounds"}}`:  `three capital letters`,
	} {
		_, err := rows.ParseColumns(rows.Orders, []byte(file))
		tells(t, file, err, "bad_columns", "columns.json", words)
	}
	bad := rows.Columns{Names: map[string]string{"a": "b"}}
	_, err := rows.Open(strings.NewReader(head), bad, rows.Limits{})
	tells(t, "open", err, "bad_columns")
	_, err = rows.Resume(strings.NewReader(head), rows.Layout{Columns: bad}, rows.Span{})
	tells(t, "resume", err, "bad_columns")
}

func TestColumnsAndLayoutTravelAsJSON(t *testing.T) {
	t.Parallel()
	const text = `{"columns":{"a":"order_ref"},"defaults":{"customer_id":"C"}}`
	columns, err := rows.ParseColumns(rows.Orders, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(columns); err != nil || string(back) != text {
		t.Errorf("columns are %s, error %v", back, err)
	}
	const file = "\xEF\xBB\xBF\"a\";sku;quantity\nA;S;1\n"
	r, err := rows.Open(strings.NewReader(file), columns, rows.Limits{RowBytes: 100})
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
	want := all(t, r)
	same(t, "rows by a layout from JSON", want, all(t, resume(t, file, l, want[0].Span)))
	if !maps.Equal(l.Columns.Names, columns.Names) || l.Header != `"a";sku;quantity` || l.Delimiter != ";" {
		t.Errorf("layout %s", wire)
	}
}

func TestErrorsOfTheSourceArePassedOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if _, err := rows.Open(iotest.ErrReader(broken), rows.Columns{}, rows.Limits{}); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	src := func() io.Reader {
		return io.MultiReader(strings.NewReader(head+"A,C,S,1\nB,C,S,"), iotest.ErrReader(broken))
	}
	start := func() *rows.Reader {
		r, err := rows.Open(src(), rows.Columns{}, rows.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := start()
	if row, err := r.Next(); err != nil || row.Raw != "A,C,S,1" {
		t.Errorf("row %+v, error %v", row, err)
	}
	for range 2 {
		if row, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("half a row is %+v, error %v", row, err)
		}
	}
	if err := start().Split(1, func(rows.Span) error { return nil }); !errors.Is(err, broken) {
		t.Errorf("split: error %v", err)
	}
	for g, err := range start().Groups() {
		if !errors.Is(err, broken) || g != nil {
			t.Errorf("group %+v, error %v", g, err)
		}
	}
}

package rows_test

import (
	"strings"
	"testing"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// row reads a file of one row, given what one of its columns holds.
func row(t *testing.T, column, value string) rows.Row {
	t.Helper()
	names := []string{"order_ref", "customer_id", "sku", "quantity", "unit_price", "currency", "payment_method", "note"}
	values := []string{"A", "C", "S", "1", "", "", "", ""}
	for i, name := range names {
		if name == column {
			values[i] = value
		}
		values[i] = `"` + strings.ReplaceAll(values[i], `"`, `""`) + `"`
	}
	found := all(t, open(t, strings.Join(names, ",")+"\n"+strings.Join(values, ","), rows.Limits{}))
	if len(found) != 1 {
		t.Fatalf("%s of %q: %+v", column, value, found)
	}
	return found[0]
}

func TestValuesAreChecked(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("é", n) } // characters, not bytes
	for _, c := range []struct{ column, value, words string }{
		{"order_ref", long(100), ""},
		{"order_ref", long(101), "is 101 characters long: the most is 100"},
		{"order_ref", "", "is missing"},
		{"order_ref", " \t", "is missing"},
		{"order_ref", "A\x1B[2J", `is "A\x1b[2J": control characters are not allowed`},
		{"order_ref", "A\nB", "control characters"},
		{"customer_id", "", "is missing"},
		{"sku", "gift_0001_40 ", ""},
		{"sku", long(65), "is 65 characters long: the most is 64"},
		{"quantity", " 6 ", ""},
		{"quantity", "10000", ""},
		{"quantity", "", "is missing"},
		{"quantity", "10001", "is 10001: the most is 10000"},
		{"quantity", "1000000000", "is 1000000000: the most is 10000"},
		{"quantity", strings.Repeat("9", 99), "9: the most is 10000"},
		{"quantity", "0", "is 0: it must be at least 1"},
		{"quantity", "-1", "is -1: it must be at least 1"},
		{"quantity", "-" + strings.Repeat("9", 99), "it must be at least 1"},
		{"quantity", "1.5", `is "1.5": it must be a whole number`},
		{"quantity", "six", `is "six": it must be a whole number`},
		{"quantity", "1e3", `is "1e3": it must be a whole number`},
		{"quantity", strings.Repeat("x", 1000), `is "` + strings.Repeat("x", 40) + `"...: it must be`},
		{"currency", "GBP", ""},
		{"currency", "gbp", `is "gbp": it must be three capital letters`},
		{"currency", "GBPP", "three capital letters"},
		{"payment_method", long(64), ""},
		{"payment_method", long(65), "the most is 64"},
		{"note", "one\r\ntwo\nthree", ""},
		{"note", "one\ttwo", "control characters"},
		{"note", long(1001), "the most is 1000"},
	} {
		err := row(t, c.column, c.value).Err
		if c.words == "" {
			if err != nil {
				t.Errorf("%s %.40q: %v", c.column, c.value, err)
			}
			continue
		}
		tells(t, c.column, err, "bad_row", c.words)
		if f := fault.Of(err).Fields; len(f) != 1 || f[0].Name != c.column {
			t.Errorf("%s %.40q: fields %+v", c.column, c.value, f)
		}
	}
}

func TestPriceIsInMinorUnitsOfItsCurrency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		price, currency string
		want            int64
		words           string
	}{
		{"2.55", "GBP", 255, ""},
		{"2.5", "GBP", 250, ""},
		{" 2 ", "GBP", 200, ""},
		{"0.07", "EUR", 7, ""},
		{"0", "EUR", 0, ""},
		{"255", "JPY", 255, ""},
		{"1.234", "KWD", 1234, ""},
		{"1.2345", "CLF", 12345, ""},
		{"10000000000000.00", "GBP", 1_000_000_000_000_000, ""},
		{"10000000000000.01", "GBP", 0, "more than we take"},
		{strings.Repeat("9", 99), "GBP", 0, "more than we take"},
		{"2.555", "GBP", 0, `unit_price is "2.555": its currency has 2 decimals`},
		{"2.5", "JPY", 0, "has 0 decimals"},
		{"1.2345", "KWD", 0, "has 3 decimals"},
		{"-1", "GBP", 0, "must not be negative"},
		{"2,55", "GBP", 0, "with a point before decimals"},
		{"1,234.50", "GBP", 0, "with a point before decimals"},
		{".5", "GBP", 0, "must be digits"},
		{"5.", "GBP", 0, "must be digits"},
		{"1e2", "GBP", 0, "must be digits"},
		{"£2", "GBP", 0, "must be digits"},
		{"2.55", "", 0, "currency is missing: a unit_price needs one"},
	} {
		file := head[:len(head)-1] + ";unit_price;currency\n"
		file = strings.ReplaceAll(file, ",", ";") + "A;C;S;1;" + c.price + ";" + c.currency
		found := all(t, open(t, file, rows.Limits{}))[0]
		switch {
		case c.words != "":
			tells(t, c.price, found.Err, "bad_row", c.words)
		case found.Err != nil || found.UnitPrice == nil || *found.UnitPrice != c.want:
			t.Errorf("%s %s: %+v", c.price, c.currency, found)
		}
	}
}

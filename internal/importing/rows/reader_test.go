package rows_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

func TestBadRowIsToldInWordsAndReadingGoesOn(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200)
	for name, c := range map[string]struct {
		row, ref, reason string
		words            []string
	}{
		"too few fields":           {"B,C,S", "B", "wrong_field_count", []string{"has 3 fields, the header has 4", "commas"}},
		"one field":                {"B", "B", "wrong_field_count", []string{"has 1 field, the header has 4"}},
		"too many fields":          {"B,C,S,1,", "B", "wrong_field_count", []string{"has 5 fields"}},
		"bare quote":               {`B,C,5" nail,1`, "B", "bad_quote", []string{"field 3 has a quote inside", `("")`}},
		"text after quotes":        {`B,"C"x,S,1`, "B", "bad_quote", []string{"field 2 goes on after its closing quote"}},
		"return after quotes":      {"B,C,S,\"1\"\r\r", "B", "bad_quote", []string{"field 4 goes on after its closing quote"}},
		"quote never closed":       {`B,C,"S,1`, "B", "bad_quote", []string{"field 3 opens a quote that is never closed"}},
		"quote before the ref":     {`"B,C,S,1`, "", "bad_quote", []string{"field 1"}},
		"not UTF-8":                {"B,C,caf\xE9,1", "B", "not_utf8", []string{"byte 8 of the row is 0xE9", "UTF-8"}},
		"ref not UTF-8":            {"B\xFF,C,S,1", "", "not_utf8", []string{"byte 2"}},
		"too long":                 {"B,C," + long + ",1", "B", "row_too_long", []string{"longer than 100 bytes"}},
		"too long, ref cut":        {strings.Repeat("B", 200) + ",C,S,1", "", "row_too_long", nil},
		"too long, quotes":         {`B,C,"` + long + `",1`, "B", "row_too_long", nil},
		"too long, ref in quotes":  {`"B,` + long + `",C,S,1`, "", "row_too_long", nil},
		"nothing in it":            {",,,", "", "bad_row", []string{"order_ref is missing", "customer_id is missing", "sku is missing", "quantity is missing"}},
		"zero bytes":               {"B,C,S\x00,1", "B", "bad_row", []string{`sku is "S\x00": control characters`}},
		"return inside":            {"B,C,S\rT,1", "B", "bad_row", []string{`sku is "S\rT": control`}},
		"a letter lost on the way": {"B,C,S\uFFFD,1", "B", "bad_row", []string{"U+FFFD"}},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			r := open(t, head+"A,C,S,1"+end+c.row+end+"Z,C,S,1", rows.Limits{RowBytes: 100})
			found := all(t, r)
			if len(found) != 3 || found[0].Err != nil || found[2].Err != nil || found[2].OrderRef != "Z" || found[2].Line != 4 {
				t.Errorf("%s: %+v", name, found)
				continue
			}
			bad := found[1]
			tells(t, name, bad.Err, c.reason, c.words...)
			if bad.OrderRef != c.ref || !strings.HasPrefix(c.row, bad.Raw) || len(bad.Raw) < min(len(strings.TrimRight(c.row, "\r")), 100) {
				t.Errorf("%s: ref %q, want %q, raw %q", name, bad.OrderRef, c.ref, bad.Raw)
			}
		}
	}
}

func TestBadObjectIsToldInWords(t *testing.T) {
	t.Parallel()
	for row, c := range map[string]struct{ ref, reason, words string }{
		`x`:                                {"", "bad_json", "must be one, in braces"},
		`[1]`:                              {"", "bad_json", "must be one, in braces"},
		`{"order_ref":"B","sku"`:           {"B", "bad_json", "ends in the middle"},
		`{"order_ref":12`:                  {"", "bad_json", "ends in the middle"},
		`{"order_ref":"B",}`:               {"B", "bad_json", "invalid character"},
		`{"order_ref":"B"} {}`:             {"B", "bad_json", "something follows"},
		`{"order_ref":"B","sku":["S"]}`:    {"B", "bad_json", `"sku" must be a string or a number`},
		`{"order_ref":"B","sku":true}`:     {"B", "bad_json", `"sku" must be a string or a number`},
		`{"order_ref":"B","Order_Ref":1}`:  {"B", "bad_json", `"order_ref" and "Order_Ref" are both order_ref`},
		`{"order_ref":"B","quantity":1}`:   {"B", "bad_row", "sku is missing"},
		"{\"order_ref\":\"B\",\"\xFF\":1}": {"B", "not_utf8", "byte 19"},
		`{"order_ref":"B","x":"` + strings.Repeat("x", 200): {"B", "row_too_long", "100 bytes"},
	} {
		r := open(t, "{}\n"+row+"\n{}\n", rows.Limits{RowBytes: 100})
		found := all(t, r)
		if len(found) != 3 {
			t.Errorf("%s: %+v", row, found)
			continue
		}
		tells(t, row, found[1].Err, c.reason, c.words)
		if found[1].OrderRef != c.ref {
			t.Errorf("%s: ref %q, want %q", row, found[1].OrderRef, c.ref)
		}
	}
}

func TestQuotedLineBreaksAreInTheRow(t *testing.T) {
	t.Parallel()
	found := all(t, open(t, "order_ref,customer_id,sku,quantity,note\r\nA,C,S,1,\"one\r\n\r\n \"\"two\"\"\"\r\nB,C,S,1,\r\n", rows.Limits{}))
	if len(found) != 2 || found[0].Err != nil || found[1].Err != nil {
		t.Fatalf("%+v", found)
	}
	a, b := found[0], found[1]
	if a.Note != "one\r\n\r\n \"two\"" || a.Line != 2 || a.LastLine != 4 || a.Raw != "A,C,S,1,\"one\r\n\r\n \"\"two\"\"\"" || b.Line != 5 || b.Offset != a.End {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// A quote that is not closed well spoils the line it is on. What follows is read as if nothing had been.
func TestQuoteNotClosedSpoilsOneLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, good string }{
		"to the end":              {"A,C,\"S,1\nB,C,S,1\nC,C,S,1\n", "BC"},
		"closed too late":         {"A,C,\"S,1\nB,C,S,1\n" + strings.Repeat("C,C,S,1\n", 20) + "D,C,\"S\",1\n", "B" + strings.Repeat("C", 20) + "D"},
		"closed by another's":     {"A,C,\"S,1\nB,C,\"S\",1\nC,C,S,1\n", "BC"},
		"the last byte of a file": {"A,C,S,1\n\"", "A"},
		"twice":                   {"A,\"C,S,1\nB,\"C,S,1\nC,C,S,1\n", "C"},
		"closed on the next line": {"A,C,\"S\n\",1\nB,C,S,1\n", "AB"},
	} {
		var good strings.Builder
		for _, row := range all(t, open(t, head+c.body, rows.Limits{RowBytes: 100})) {
			if row.Err == nil {
				good.WriteString(row.OrderRef)
			}
		}
		if good.String() != c.good {
			t.Errorf("%s: good rows %s, want %s", name, good.String(), c.good)
		}
	}
}

// endless gives text n times.
type endless struct {
	text string
	n    int
	left string
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == "" {
		if e.n == 0 {
			return 0, io.EOF
		}
		e.n--
		e.left = e.text
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

func TestMemoryIsBoundedByTheRowLimit(t *testing.T) {
	t.Parallel()
	megabyte := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct {
		before, text string
		n            int
		after        string
		rows         int
	}{
		"a row of 50 MB":           {head + "A,C,", megabyte, 50, ",1\nB,C,S,1\n", 2},
		"no line break":            {head, megabyte, 50, "", 1},
		"a quote that stays open":  {head + "A,C,\"S,1\n", strings.Repeat("B,C,S,1\n", 1000), 200, "", 1 + 200_000},
		"a long field in quotes":   {head + "A,C,\"", megabyte, 50, "\",1\nB,C,S,1\n", 2},
		"lines in quotes":          {head + "A,C,\"", megabyte + "\n", 50, "\",1\nB,C,S,1\n", 52},
		"NDJSON without a break":   {"{", megabyte, 50, "", 1},
		"quotes, and more of them": {head, strings.Repeat("\"", 1<<20), 50, "\nB,C,S,1\n", 2},
	} {
		src := func() io.Reader {
			return io.MultiReader(strings.NewReader(c.before), &endless{text: c.text, n: c.n}, strings.NewReader(c.after))
		}
		r, err := rows.Open(src(), rows.Columns{}, rows.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		n, kept := 0, 0
		for row, err := r.Next(); err != io.EOF; row, err = r.Next() {
			if err != nil {
				t.Fatal(err)
			}
			n++
			kept = max(kept, len(row.Raw))
		}
		if n != c.rows || kept > 1<<20 || r.Buffered() > 1<<20+2 {
			t.Errorf("%s: %d rows, want %d; %d bytes of one, %d in the buffer", name, n, c.rows, kept, r.Buffered())
		}
		if r, err = rows.Open(src(), rows.Columns{}, rows.Limits{}); err != nil {
			t.Fatal(err)
		}
		if err := r.Split(1<<20, func(rows.Span) error { return nil }); err != nil || r.Buffered() > 1<<20+2 {
			t.Errorf("%s: split: error %v, %d in the buffer", name, err, r.Buffered())
		}
	}
}

func TestRowOfTheLongestLengthIsTaken(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]string{
		"plain":      "A,C," + strings.Repeat("x", 60) + ",1,",
		"quoted":     "A,C,\"" + strings.Repeat("x", 60) + "\",1,",
		"over lines": "A,C,S,1,\"" + strings.Repeat("x\r\n", 30) + "\"",
	} {
		for _, end := range []string{"", "\n", "\r\n"} {
			file := strings.Replace(head, "quantity", "quantity,note", 1) + row + end
			if found := all(t, open(t, file, rows.Limits{RowBytes: len(row)})); len(found) != 1 || found[0].Err != nil || found[0].Raw != row {
				t.Errorf("%s, %q: %+v", name, end, found)
			}
			found := all(t, open(t, file, rows.Limits{RowBytes: len(row) - 1}))
			if len(found) != 1+strings.Count(row, "\n") {
				t.Errorf("%s, %q, a byte too long: %+v", name, end, found)
			}
			tells(t, name, found[0].Err, map[bool]string{false: "row_too_long", true: "bad_quote"}[len(found) > 1])
		}
	}
}

func TestPartThatEndsEarlyIsNoRow(t *testing.T) {
	t.Parallel()
	r := open(t, head+"A,C,S,12\n", rows.Limits{})
	part := all(t, r)[0].Span
	short, err := rows.Resume(strings.NewReader("A,C,S,1"), r.Layout(), part)
	if err != nil {
		t.Fatal(err)
	}
	if row, err := short.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("row %+v, error %v", row, err)
	}
}

package rows_test

import (
	"fmt"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

func TestNeighboursWithOneRefAreAnOrder(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 60)
	for name, c := range map[string]struct {
		body string
		want string // ref:good rows-bad rows, with ! if it cannot be placed, + if reading cannot resume after it
	}{
		"none":                        {"", ""},
		"two":                         {"A,C,S,1,\nA,C,T,1,\nB,C,S,1,\n", "A:2-0 B:1-0"},
		"again later":                 {"A,C,S,1,\nB,C,T,1,\nA,C,S,1,\n", "A:1-0 B:1-0 A:1-0"},
		"blank lines between":         {"A,C,S,1,\n\n\nA,C,T,1,\n", "A:2-0"},
		"bad row of an order":         {"A,C,S,1,\nA,C,T,x,\nB,C,S,1,\n", "A:1-1! B:1-0"},
		"bad row alone":               {"A,C,S,1,\nB,C,T\nZ,C,S,1,\n", "A:1-0 B:0-1! Z:1-0"},
		"unreadable inside":           {"A,C,S,1,\n\"\nA,C,T,1,\nB,C,S,1,\n", "A:2-1! B:1-0"},
		"unreadable between":          {"A,C,S,1,\n\"\nB,C,T,1,\nB,C,S,1,\nZ,C,S,1,\n", "A:1-1!+ B:2-0! Z:1-0"},
		"unreadable first":            {"\"x\n\"y\nA,C,T,1,\n", ":0-2!+ A:1-0!"},
		"unreadable last":             {"A,C,T,1,\n\"\n", "A:1-1!"},
		"two customers":               {"A,C,S,1,\nA,D,S,1,\nB,C,S,1,\n", "A:2-0! B:1-0"},
		"two customers, twice":        {"A,C,S,1,\nA,D,S,1,\nB,C,S,1,\nB,D,S,1,\n", "A:2-0! B:2-0!"},
		"two payment methods":         {"A,C,S,1,p\nA,C,S,1,q\n", "A:2-0!"},
		"one with payment method":     {"A,C,S,1,p\nA,C,S,1,\n", "A:2-0!"},
		"too many rows":               {strings.Repeat("A,C,S,1,\n", 9) + "B,C,S,1,\n", "A:4-0!+ A:4-0!+ A:1-0! B:1-0"},
		"just not too many":           {strings.Repeat("A,C,S,1,\n", 4) + "B,C,S,1,\n", "A:4-0 B:1-0"},
		"too many bytes":              {strings.Repeat("A,C,"+long+",1,\n", 3), "A:2-0!+ A:1-0!"},
		"just not too many bytes":     {strings.Repeat("A,C,"+long+",1,method00\n", 2), "A:2-0"},
		"too many, one of them awful": {strings.Repeat("A,C,S,1,\n", 4) + "\"\n" + "B,C,S,1,\n", "A:4-0!+ A:0-1!+ B:1-0!"},
	} {
		var got []string
		for _, g := range groups(t, open(t, "order_ref,customer_id,sku,quantity,payment_method\n"+c.body, rows.Limits{GroupRows: 4, GroupBytes: 150})) {
			bad := 0
			for _, row := range g.Rows {
				if row.Err != nil {
					bad++
				}
			}
			text := fmt.Sprintf("%s:%d-%d", g.Ref, len(g.Rows)-bad, bad)
			if g.Err() != nil {
				text += "!"
			}
			if !g.Checkpoint {
				text += "+"
			}
			got = append(got, text)
		}
		if all := strings.Join(got, " "); all != c.want {
			t.Errorf("%s: %s, want %s", name, all, c.want)
		}
	}
}

func TestOrderSaysEverythingThatIsWrongWithIt(t *testing.T) {
	t.Parallel()
	body := "\"\nA,C,S,1,p\nA,D,S,1,q\nA,E,S,1,r\nA,C,S,0,p\n" + strings.Repeat("A,C,S\n", 30)
	g := groups(t, open(t, "order_ref,customer_id,sku,quantity,payment_method\n"+body, rows.Limits{}))[1]
	tells(t, "order", g.Err(), "bad_order", `order "A" is not valid`,
		"the order_ref on line 2, just before it, cannot be read",
		`has two of customer_id: "C" on line 3, "D" on line 4`, `has two of payment_method: "p" on line 3, "q" on line 4`,
		"line 6 the row is not valid: quantity is 0", "line 7 the row has 3 fields", "has 11 more bad rows")
	if strings.Contains(g.Err().Error(), `"E"`) {
		t.Errorf("a difference is told more than once: %v", g.Err())
	}
	if g.Line != 3 || g.LastLine != 36 || g.Offset != g.Rows[0].Offset || g.End != g.Rows[len(g.Rows)-1].End {
		t.Errorf("it is at %+v", g.Span)
	}
}

func TestPartsOfALargeOrderAreCounted(t *testing.T) {
	t.Parallel()
	line := int64(2)
	for i, g := range groups(t, open(t, head+strings.Repeat("A,C,S,1\n", 2500), rows.Limits{})) {
		if g.Part != i || g.Line != line || len(g.Rows) != min(1000, 2500-1000*i) {
			t.Errorf("part %d is on line %d with %d rows", g.Part, g.Line, len(g.Rows))
		}
		tells(t, "part", g.Err(), "bad_order", "is too large: the most is 1000 rows")
		line = g.LastLine + 1
	}
	if line != 2502 {
		t.Errorf("they end before line %d", line)
	}
}

func TestGroupsCanBeLeft(t *testing.T) {
	t.Parallel()
	r := open(t, head+"A,C,S,1\nB,C,S,1\nD,C,S,1\n", rows.Limits{})
	for g, err := range r.Groups() {
		if err != nil || g.Ref != "A" {
			t.Errorf("group %+v, error %v", g, err)
		}
		break
	}
}

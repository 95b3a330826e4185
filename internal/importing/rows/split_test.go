package rows_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

func TestPartsEndWhereTheOrderRefChanges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		size int64
		want string // the rows' refs by part
	}{
		"no rows":                   {"", 1, ""},
		"every order":               {"A,C,S,1\nA,C,S,1\nB,C,S,1\n\nD,C,S,1", 0, "AA B D"},
		"an order larger than size": {strings.Repeat("A,C,S,1\n", 20) + "B,C,S,1\n", 9, strings.Repeat("A", 20) + " B"},
		"two orders a part":         {"A,C,S,1\nB,C,S,1\nD,C,S,1\nE,C,S,1\nF,C,S,1\n", 12, "AB DE F"},
		"not at a row unread":       {"A,C,S,1\n\"\nB,C,S,1\nD,C,S,1\n", 0, "A?B D"},
		"not inside quotes":         {"A,\"\nX,C,S,1\nY,C,S,1\n\",S,1\nB,C,S,1\n", 2, "A B"},
		"quotes and none":           {"A,C,S,1\nA,C,\"S\",1\nB,C,S,1\nB,C,S,1\nD,C,\"S\",1\nD,C,S,1\n", 15, "AA BB DD"},
	} {
		file := head + c.body
		var got []string
		for _, part := range parts(t, open(t, file, rows.Limits{}), c.size) {
			refs := ""
			for _, row := range all(t, resume(t, file, open(t, file, rows.Limits{}).Layout(), part)) {
				if row.OrderRef == "" {
					refs += "?"
				}
				refs += row.OrderRef
			}
			got = append(got, refs)
		}
		if all := strings.Join(got, " "); all != c.want {
			t.Errorf("%s: %s, want %s", name, all, c.want)
		}
	}
}

func TestPartsHaveAboutTheirSize(t *testing.T) {
	t.Parallel()
	const size = 100 << 10
	for _, row := range []string{"A%06d,C,S,1\n", "A%06d,C,\"S\n\",1\n"} {
		file := head + big(4<<20, func(order, _ int) string { return fmt.Sprintf(row, order) })
		found := parts(t, open(t, file, rows.Limits{}), size)
		for i, part := range found {
			if n := part.End - part.Offset; (n < size && i < len(found)-1) || n > size+1000 {
				t.Errorf("part %d has %d bytes", i, n)
			}
		}
		if last := found[len(found)-1]; last.End != int64(len(file)) || int(last.LastLine) != strings.Count(file, "\n") {
			t.Errorf("the last part is %+v", last)
		}
	}
}

// A row too long for the buffer cannot be passed without a look, but is not the one before what comes after size.
func TestLongRowAmongThosePassedEndsNoPart(t *testing.T) {
	t.Parallel()
	file := head + "A,C," + strings.Repeat("x", 200<<10) + ",1\n" + strings.Repeat("B,C,S,1\n", 50<<10)
	found := parts(t, open(t, file, rows.Limits{RowBytes: 100}), 400<<10)
	if len(found) != 1 {
		t.Errorf("the order B is in several parts: %+v", found)
	}
}

func TestSplitEndsWithWhatEmitSays(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	n := 0
	err := open(t, head+"A,C,S,1\nB,C,S,1\nD,C,S,1\n", rows.Limits{}).Split(0, func(rows.Span) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("error %v after %d parts", err, n)
	}
}

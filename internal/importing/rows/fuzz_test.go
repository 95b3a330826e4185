package rows_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orderflow.dev/internal/importing/rows"
)

// stutter reads a few bytes at a time.
type stutter struct {
	src    io.Reader
	chance *rand.Rand
}

func (s stutter) Read(p []byte) (int, error) { return s.src.Read(p[:min(len(p), 1+s.chance.IntN(64))]) }

// heads are how files start.
var heads = []string{
	head, "\xEF\xBB\xBForder_ref;customer_id;sku;quantity;note\r\n", "sku\tquantity\torder_ref\tcustomer_id\n", "\n \r\n{}\n", "",
}

var bodies = []string{
	"A,C,S,1\nA,C,T,2\nB,C,S,1\n", "A;C;S;1;\"two\r\nlines\"\r\n\r\nB;C;S;1;x\r\n", "S\t1\tA\tC\nT\t1\tB\tC",
	"A,C,\"S,1\nA,C,T,2\nB,C,S,1\n", "A,C,S\"x,1\nB,C,\"S\"x,1\nC,C,S,1\n\"A\",\"C\",\"\"\"S\"\"\",1\n", "A,C,S,1\n\x00\xFF,\n\nB,C,S,1\n\"",
	"{\"order_ref\":\"A\",\"quantity\":1}\n{\"order_ref\":\"B\"\n[]\n{}\n", strings.Repeat("A,C,SSSSSSSSSS,1\n", 9) + "B,C,S,1\n",
	"A,C," + strings.Repeat("x", 300) + ",1\nB,C,S,1\n", "A,C,\"" + strings.Repeat("x\n", 300) + "\",1\nB,C,S,1\n", "A,C,S,\"1\"\r",
}

// FuzzParts: however a file is read, in whatever portions, from wherever, split into whatever parts, it has the same
// rows, at the same offsets and lines, in the same orders.
func FuzzParts(f *testing.F) {
	for i, h := range heads {
		for j, b := range bodies {
			f.Add(h, b, uint16(7*j), uint8(40*i), uint64(i*j))
		}
	}
	f.Fuzz(func(t *testing.T, head, body string, size uint16, limit uint8, seed uint64) {
		checkParts(t, head+body, int64(size), int(limit), seed)
	})
}

// TestPartsOfRandomFiles is FuzzParts for files that look more like files.
func TestPartsOfRandomFiles(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"A,C,S,1\n", "A,C,S,1\n", "B,C,S,1\n", "B,D,\"S\",1\r\n", "A,C,\"x\ny\",1\n", "A", "B", ",", ",", "\"", "\"\"", "\n", "\r\n", "\r", " ",
		"\xFF", "\x00", "A,C,S\n", "A,\"C,S,1\n", strings.Repeat("x", 40), "{\"order_ref\":\"A\"}\n", "A,C,\"" + strings.Repeat("\n", 40) + "\",1\n",
	}
	for seed := range uint64(1000) {
		chance := rand.New(rand.NewPCG(seed, 2))
		file := heads[chance.IntN(3)]
		for range chance.IntN(30) {
			file += pieces[chance.IntN(len(pieces))]
		}
		if checkParts(t, file, int64(chance.IntN(60)), 60+chance.IntN(60), seed); t.Failed() {
			t.Fatalf("seed %d: %q", seed, file)
		}
	}
}

// checkParts reads a file in all ways.
func checkParts(t *testing.T, file string, size int64, limit int, seed uint64) {
	t.Helper()
	limits := rows.Limits{RowBytes: 1 + limit, GroupRows: 1 + int(seed%5), GroupBytes: 300 + limit}
	r, err := rows.Open(strings.NewReader(file), rows.Columns{}, limits)
	again, errAgain := rows.Open(stutter{strings.NewReader(file), rand.New(rand.NewPCG(seed, 0))}, rows.Columns{}, limits)
	same(t, "whether it opens, read in small portions", err, errAgain)
	if err != nil {
		return
	}
	w := whole{t: t, file: file, layout: r.Layout(), rows: all(t, r), groups: groups(t, open(t, file, limits))}
	same(t, "rows, read in small portions", w.rows, all(t, again))
	w.places()
	w.split(size, limits)
	w.fromTheMiddle(rand.New(rand.NewPCG(seed, 1)))
}

// whole is a file read in one pass.
type whole struct {
	t      *testing.T
	file   string
	layout rows.Layout
	rows   []rows.Row
	groups []*rows.Group
}

// places checks that rows are where they say, and that nothing but blank lines is between them.
func (w whole) places() {
	w.t.Helper()
	end := int64(-1)
	for _, row := range w.rows {
		between := ""
		if end >= 0 {
			between = w.file[end:row.Offset]
		}
		text := strings.TrimSuffix(strings.TrimSuffix(w.file[row.Offset:row.End], "\n"), "\r")
		switch {
		case strings.Trim(between, " \t\r\n") != "":
			w.t.Errorf("%q was lost before the row at %d", between, row.Offset)
		case row.Raw != text && (len(text) <= w.layout.Limits.RowBytes || !strings.HasPrefix(text, row.Raw)):
			w.t.Errorf("row %q at %d, the file has %q", row.Raw, row.Offset, text)
		case int(row.Line) != 1+strings.Count(w.file[:row.Offset], "\n") || int(row.LastLine) != int(row.Line)+strings.Count(text, "\n"):
			w.t.Errorf("row at %d is on lines %d to %d", row.Offset, row.Line, row.LastLine)
		}
		end = row.End
	}
	if end >= 0 && strings.Trim(w.file[end:], " \t\r\n") != "" {
		w.t.Errorf("%q was lost at the end", w.file[end:])
	}
}

func (w whole) split(size int64, limits rows.Limits) {
	w.t.Helper()
	found := parts(w.t, open(w.t, w.file, limits), size)
	var (
		gotRows   []rows.Row
		gotGroups []*rows.Group
	)
	for i, part := range found {
		gotRows = append(gotRows, all(w.t, resume(w.t, w.file, w.layout, part))...)
		gotGroups = append(gotGroups, groups(w.t, resume(w.t, w.file[:part.End], w.layout, part))...)
		if i > 0 && (part.Offset != found[i-1].End || part.Line != found[i-1].LastLine+1) {
			w.t.Errorf("part %d starts at %d on line %d, the one before ends at %d on line %d", i, part.Offset, part.Line, found[i-1].End, found[i-1].LastLine)
		}
		if part.End-part.Offset < size && i < len(found)-1 {
			w.t.Errorf("part %d has %d bytes, it should have at least %d", i, part.End-part.Offset, size)
		}
		rest := parts(w.t, resume(w.t, w.file, w.layout, rows.Span{Offset: part.Offset, Line: part.Line}), size)
		same(w.t, "parts, split from the middle", found[i:], rest)
	}
	same(w.t, "rows of all parts", w.rows, gotRows)
	for _, g := range gotGroups {
		g.Checkpoint = true // the last of a part always is one
	}
	want := make([]*rows.Group, 0, len(w.groups))
	for _, g := range w.groups {
		c := *g
		c.Checkpoint = true
		want = append(want, &c)
	}
	if len(want) > 0 {
		same(w.t, "orders of all parts", want, gotGroups)
	}
}

func (w whole) fromTheMiddle(chance *rand.Rand) {
	w.t.Helper()
	if len(w.rows) == 0 {
		return
	}
	i := chance.IntN(len(w.rows))
	at := w.rows[i]
	same(w.t, "rows from the middle", w.rows[i:], all(w.t, resume(w.t, w.file, w.layout, rows.Span{Offset: at.Offset, Line: at.Line})))
	j := chance.IntN(len(w.groups))
	if g := w.groups[j]; g.Checkpoint {
		got := groups(w.t, resume(w.t, w.file, w.layout, rows.Span{Offset: g.End, Line: g.LastLine + 1}))
		same(w.t, "orders after a checkpoint", append([]*rows.Group(nil), w.groups[j+1:]...), got)
	}
}

// FuzzCSV: whatever encoding/csv can read is read the same.
func FuzzCSV(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b), uint8(0))
		f.Add([]byte(b), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		delimiter := ",;\t"[which%3]
		r := csv.NewReader(bytes.NewReader(data))
		r.Comma, r.FieldsPerRecord = rune(delimiter), -1
		theirs, err := r.ReadAll()
		ours, errOurs := rows.Records(data, delimiter)
		if (err == nil) != (errOurs == nil) {
			t.Fatalf("encoding/csv says %v, we say %v", err, errOurs)
		}
		if err == nil {
			for _, record := range ours { // encoding/csv makes line breaks alike
				for i, field := range record {
					record[i] = strings.ReplaceAll(field, "\r\n", "\n")
				}
			}
			if theirs, ours = printable(theirs), printable(ours); len(theirs)+len(ours) > 0 {
				same(t, "records", theirs, ours)
			}
		}
	})
}

// printable leaves out what is blank to us.
func printable(records [][]string) [][]string {
	return slices.DeleteFunc(records, func(record []string) bool {
		return strings.Trim(strings.Join(record, ""), " \t\r") == ""
	})
}

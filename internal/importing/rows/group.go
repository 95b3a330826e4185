package rows

import (
	"fmt"
	"io"
	"iter"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Group is an order: neighbouring rows with one order_ref. In a catalogue, every row is a Group of its own. A row whose order_ref cannot be read is counted to the order
// before it; as it may just as well belong to the one after it, that has a problem too.
//
// An order too large to keep comes in several Groups, all of them with that problem, so that all its rows can be
// rejected in bounded memory.
type Group struct {
	Span
	Ref      string   // empty for rows at the start whose order_ref cannot be read
	Rows     []Row    // good ones and bad ones, as they stand in the file
	Problems []string // of the order as a whole
	Part     int      // from 0: which of the order's Groups this is; to count orders, count those with 0

	// Checkpoint says that reading may Resume after this Group, on the line after its LastLine: the next does not depend
	// on it.
	Checkpoint bool

	Alone bool // a catalogue's row: what is wrong with it is all there is to say
}

// longestReport is how many bad rows an order's error names.
const longestReport = 20

// Err says why the order cannot be placed, every reason at once; nil if it can.
func (g *Group) Err() error {
	if g.Alone {
		return g.Rows[0].Err
	}
	var bad []fault.Field
	for _, p := range g.Problems {
		bad = append(bad, fault.Field{Name: "order", Message: p})
	}
	n := 0
	for _, row := range g.Rows {
		if row.Err == nil {
			continue
		}
		if n++; n <= longestReport {
			bad = append(bad, fault.Field{Name: fmt.Sprint("line ", row.Line), Message: row.Err.Error()})
		}
	}
	if n > longestReport {
		bad = append(bad, fault.Field{Name: "order", Message: "has " + counted(int64(n-longestReport), "more bad row")})
	}
	if len(bad) == 0 {
		return nil
	}
	return &fault.Error{Code: codes.InvalidArgument, Reason: "bad_order", Message: "order " + quote(g.Ref) + " is not valid", Fields: bad}
}

// Groups are the orders, or the catalogue's rows, of the rest of the file. They end with the first error of src; the order it interrupts is not
// among them.
func (r *Reader) Groups() iter.Seq2[*Group, error] {
	if r.layout.Columns.Kind == Catalogue {
		return r.single
	}
	return func(yield func(*Group, error) bool) {
		g := grouper{limits: r.layout.Limits}
		for {
			row, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if done := g.add(row); done != nil && !yield(done, nil) {
				return
			}
		}
		if g.open != nil {
			g.open.Checkpoint = true
			yield(g.open, nil)
		}
	}
}

// single yields every row as a group of its own.
func (r *Reader) single(yield func(*Group, error) bool) {
	for {
		row, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(nil, err)
			return
		}
		if !yield(&Group{Span: row.Span, Ref: row.SKU, Rows: []Row{row}, Checkpoint: true, Alone: true}, nil) {
			return
		}
	}
}

// grouper makes groups of rows.
type grouper struct {
	limits  Limits
	open    *Group
	bytes   int               // of its rows
	first   int               // its first good row; -1 if it has none yet
	differs [columnCount]bool // what its rows are known to differ in
}

// add takes a row and gives the group that is complete by it.
func (g *grouper) add(row Row) (done *Group) {
	switch {
	case g.open == nil:
		g.begin(row)
	case row.OrderRef != "" && row.OrderRef != g.open.Ref:
		done = g.open
		g.begin(row)
		g.follow(done)
	case g.full(row):
		done = g.open
		g.continued(row)
	}
	g.keep(row)
	return done
}

func (g *grouper) begin(row Row) {
	g.open = &Group{Span: Span{Offset: row.Offset, Line: row.Line}, Ref: row.OrderRef}
	g.bytes, g.first, g.differs = 0, -1, [columnCount]bool{}
}

// follow begins an order after another one: if that one ends with a row that cannot be read, it may be this one's.
func (g *grouper) follow(done *Group) {
	before := done.Rows[len(done.Rows)-1]
	done.Checkpoint = before.OrderRef != ""
	if !done.Checkpoint {
		g.problem("may lack a row: the order_ref on line %d, just before it, cannot be read", before.Line)
	}
}

func (g *grouper) full(row Row) bool {
	return len(g.open.Rows) == g.limits.GroupRows || g.bytes+len(row.Raw) > g.limits.GroupBytes
}

// continued begins another group of the same order.
func (g *grouper) continued(row Row) {
	last := g.open
	const tooLarge = "is too large: the most is %d rows of %d bytes in all"
	if last.Part == 0 {
		g.problem(tooLarge, g.limits.GroupRows, g.limits.GroupBytes)
	}
	g.begin(row)
	g.open.Ref, g.open.Part = last.Ref, last.Part+1
	g.problem(tooLarge, g.limits.GroupRows, g.limits.GroupBytes)
}

func (g *grouper) problem(format string, args ...any) {
	g.open.Problems = append(g.open.Problems, fmt.Sprintf(format, args...))
}

func (g *grouper) keep(row Row) {
	switch {
	case row.Err != nil:
	case g.first < 0:
		g.first = len(g.open.Rows)
	default:
		g.compare(g.open.Rows[g.first], row)
	}
	g.open.Rows = append(g.open.Rows, row)
	g.open.End, g.open.LastLine = row.End, row.LastLine
	g.bytes += len(row.Raw)
}

// compare finds what must be the same in all rows of an order and is not.
func (g *grouper) compare(first, row Row) {
	for _, d := range []struct {
		column
		a, b string
	}{
		{customerID, first.CustomerID, row.CustomerID},
		{paymentMethod, first.PaymentMethod, row.PaymentMethod},
	} {
		if d.a != d.b && !g.differs[d.column] {
			g.differs[d.column] = true
			g.problem("has two of %s: %s on line %d, %s on line %d", d.column, quote(d.a), first.Line, quote(d.b), row.Line)
		}
	}
}

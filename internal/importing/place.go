package importing

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// Order is what an order of a file asks for.
type Order struct {
	Source, Ref   string // unique together
	CustomerID    string // the source's own
	PaymentMethod string
	Note          string
	Lines         []Line
	ImportID      string
	FirstLine     int64 // of the file
}

// Line is how many of what.
type Line struct {
	SKU       string
	Quantity  int32
	UnitPrice *int64 // minor units of Currency; nil: the catalogue's
	Currency  string
}

// Placed is the order that there is now.
type Placed struct {
	ImportID   string // whose import made it; empty if none did
	FirstLine  int64  // from which line
	Currency   string
	MinorUnits int64 // its total
}

// Orders takes orders as the HTTP intake does. An order that is there with the same content is answered as it is.
// Refusals are INVALID_ARGUMENT: already_imported is one that is there with other content, and is answered
// too, so that it can be said where it is in the file.
type Orders interface {
	Place(ctx context.Context, o Order) (Placed, error)
}

// AlreadyImported is the reason of an order that is there with other content.
const AlreadyImported = "already_imported"

// placeAttempts is how often an order that meets trouble is tried before the whole chunk is.
const placeAttempts = 6

// placeOne places a group's order: refused is why it is rejected, err is trouble.
func (w Worker) placeOne(ctx context.Context, im *Import, g *rows.Group) (placed Placed, refused, err error) {
	o := w.order(im, g)
	for n := 0; ; n++ {
		if w.Pace != nil {
			if err := w.Pace.Wait(ctx); err != nil {
				return placed, nil, err
			}
		}
		placed, err := w.Orders.Place(ctx, o)
		switch {
		case err == nil:
			return placed, repeated(im, g, placed), nil
		case fault.Code(err) == codes.InvalidArgument: // any other is ours, and no reason to reject an order
			return placed, cmp.Or(repeated(im, g, placed), err), nil
		case n == placeAttempts-1:
			return placed, nil, err
		}
		if err := backoff.Wait(ctx, n, 100*time.Millisecond, 3*time.Second); err != nil {
			return placed, nil, err
		}
	}
}

// repeated refuses an order_ref that was in the same file before, on another line.
func repeated(im *Import, g *rows.Group, p Placed) error {
	if p.ImportID != im.ID || p.FirstLine == g.Line {
		return nil
	}
	return fault.New(codes.InvalidArgument, "repeated_order_ref",
		"order_ref %s is on line %d already: the rows of an order must stand together", g.Ref, p.FirstLine)
}

func (w Worker) order(im *Import, g *rows.Group) Order {
	first := g.Rows[0]
	o := Order{
		Source: im.Source, Ref: g.Ref, CustomerID: first.CustomerID, PaymentMethod: first.PaymentMethod, Note: first.Note,
		ImportID: im.ID, FirstLine: g.Line,
	}
	honoured := w.Trusted != nil && w.Trusted(im.Source)
	for _, r := range g.Rows {
		l := Line{SKU: r.SKU, Quantity: r.Quantity}
		if honoured && r.UnitPrice != nil {
			l.UnitPrice, l.Currency = r.UnitPrice, r.Currency
		}
		o.Lines = append(o.Lines, l)
	}
	return o
}

package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// Payments is what is needed of the payment service. An error of Adopt is payment.ErrNotFound's code where neither it nor
// the provider knows of a payment.
type Payments interface {
	Adopt(ctx context.Context, claim payment.Claim) error
	Refund(ctx context.Context, orderID string) error
}

// Releaser is what is needed of the inventory service.
type Releaser interface {
	Release(ctx context.Context, orderID string) error
}

// Repairing acts on findings.
type Repairing struct {
	Payments   Payments
	Inventory  Releaser
	Mending    inventory.Mending
	Fulfilling order.Fulfilling // also to see whether a lost order is
}

// Outcome is what became of a finding.
type Outcome struct {
	Finding
	Done []Deed
	Note string // what a person should know of what was done
	Err  error  // why the rest was not done: repair again, unless it is DATA_LOSS
}

// ForPerson says whether a person must look.
func (o Outcome) ForPerson() bool { return o.Person != "" || fault.Code(o.Err) == codes.DataLoss }

// Do acts on one finding, in its order, up to the first act that fails. Done again, it goes on.
func (r Repairing) Do(ctx context.Context, f Finding) Outcome {
	out := Outcome{Finding: f}
	if f.Lost {
		if there, err := r.there(ctx, f.OrderID); there || err != nil {
			out.Err, out.Person = err, ""
			return out
		}
	}
	for _, a := range f.Acts {
		note, err := r.act(ctx, a)
		if err != nil {
			out.Err = fmt.Errorf("%s: %w", a.Do, err)
			return out
		}
		out.Done = append(out.Done, a.Do)
		out.Note = strings.TrimSpace(out.Note + " " + note)
	}
	return out
}

// there says whether an order is there after all: it may have been placed while everything was read.
func (r Repairing) there(ctx context.Context, id string) (bool, error) {
	_, err := r.Fulfilling.Orders.Get(ctx, id)
	if errors.Is(err, order.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (r Repairing) act(ctx context.Context, a Act) (note string, err error) {
	switch a.Do {
	case Adopt:
		err = r.Payments.Adopt(ctx, a.Claim)
		if fault.Code(err) == codes.NotFound {
			err = nil // nobody knows of a payment: there is nothing to adopt
		}
	case Hold:
		var oversold []string
		if oversold, err = r.Mending.Hold(ctx, a.OrderID, a.Quantities); len(oversold) > 0 {
			note = "sold and not there: " + strings.Join(oversold, ", ") + ". Find or buy it, then state the stock."
		}
	case Refuse:
		err = r.Mending.Refuse(ctx, a.OrderID, a.Quantities)
	case Recount:
		err = r.Mending.Recount(ctx, a.Stock, a.Held)
	case Refund:
		err = r.Payments.Refund(ctx, a.OrderID)
	case Release:
		err = r.Inventory.Release(ctx, a.OrderID)
	case Resume:
		err = r.Fulfilling.Resume(ctx, a.OrderID, 0)
	default:
		err = fmt.Errorf("%q is no deed", a.Do)
	}
	return note, err
}

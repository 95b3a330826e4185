package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/payment"
)

// books are payments, a ledger in pages of one, and what the provider says of single charges.
type books struct {
	payments []*payment.Payment
	ledger   []payment.Movement
	charges  map[string]payment.Charge
}

func (b books) GetAll(_ context.Context, ids []string) (map[string]*payment.Payment, error) {
	found := map[string]*payment.Payment{}
	for _, id := range ids {
		for _, p := range b.payments {
			if p.OrderID == id {
				found[id] = p
			}
		}
	}
	return found, nil
}

func (b books) Created(_ context.Context, _, _ time.Time, each func(*payment.Payment) error) error {
	for _, p := range b.payments {
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

func (b books) Movements(_ context.Context, w payment.Window) ([]payment.Movement, string, error) {
	if len(w.After) >= len(b.ledger) {
		return nil, "", nil
	}
	return b.ledger[len(w.After) : len(w.After)+1], w.After + "x", nil
}

func (b books) Find(_ context.Context, id string) (payment.Charge, error) {
	if c, ok := b.charges[id]; ok {
		return c, nil
	}
	return payment.Charge{}, payment.ErrUnknownCharge
}

func paid(events ...journal.Event) *payment.Payment {
	p := &payment.Payment{OrderID: "o", State: payment.Charging, Amount: gbp(5)}
	for _, e := range events {
		p.Journal.Append(e, false)
		p.State = payment.Charged
	}
	return p
}

func processed(n int64) journal.Event {
	return &eventv1.PaymentProcessed{OrderId: "o", Seq: 1, EventTime: timestamppb.New(moment), Amount: gbp(n)}
}

func gaveBack(seq, n int64) journal.Event {
	return &eventv1.PaymentRefunded{OrderId: "o", Seq: seq, EventTime: timestamppb.New(moment), Amount: gbp(n)}
}

func charged(n int64) payment.Movement {
	return payment.Movement{Type: "charge", OrderID: "o", Amount: gbp(n)}
}

func returned(n int64) payment.Movement {
	return payment.Movement{Type: "refund", OrderID: "o", Amount: gbp(n)}
}

func known(taken, refunded int64) map[string]payment.Charge {
	return map[string]payment.Charge{"o": {Status: payment.ChargeApproved, Amount: gbp(taken), Refunded: refunded}}
}

func TestDifferencesWithTheProviderAreTold(t *testing.T) {
	t.Parallel()
	euros := charged(5)
	euros.Amount = &typev1.Money{CurrencyCode: "EUR", MinorUnits: 5}
	late := &eventv1.PaymentProcessed{OrderId: "o", Seq: 1, EventTime: timestamppb.New(moment.Add(time.Hour)), Amount: gbp(5)}
	all := func(p ...*payment.Payment) []*payment.Payment { return p }
	for name, c := range map[string]struct {
		books
		want []string
	}{
		"charged":                   {books{all(paid(processed(5))), []payment.Movement{charged(5)}, nil}, nil},
		"charged and given back":    {books{all(paid(processed(5), gaveBack(2, 5))), []payment.Movement{charged(5), returned(5)}, known(5, 5)}, nil},
		"given back in parts":       {books{all(paid(processed(5), gaveBack(2, 2), gaveBack(3, 1))), []payment.Movement{charged(5), returned(2), returned(1)}, known(5, 3)}, nil},
		"charged before the window": {books{all(paid(processed(5))), nil, known(5, 0)}, nil},
		"declined":                  {books{all(paid()), nil, nil}, nil},
		"happened after the window": {books{all(paid(late)), nil, nil}, nil},
		"taken twice":               {books{all(paid(processed(5))), []payment.Movement{charged(5), charged(5)}, nil}, []string{"the provider took its money more than once"}},
		"taken and not known":       {books{nil, []payment.Movement{charged(5)}, nil}, []string{"the provider took its money, and the payment is missing"}},
		"taken and still open":      {books{all(paid()), []payment.Movement{charged(5)}, nil}, []string{"the provider took its money, and the payment is CHARGING"}},
		"another amount":            {books{all(paid(processed(5))), []payment.Movement{charged(6)}, nil}, []string{"the provider took its money, and the payment is CHARGED"}},
		"another currency":          {books{all(paid(processed(5))), []payment.Movement{euros}, nil}, []string{"the provider took its money, and the payment is CHARGED"}},
		"given back twice":          {books{all(paid(processed(5), gaveBack(2, 2))), []payment.Movement{returned(2), returned(2)}, known(5, 2)}, []string{"the provider gave money back, and the payment is CHARGED"}},
		"given back and not known":  {books{all(paid(processed(5))), []payment.Movement{charged(5), returned(5)}, nil}, []string{"the provider gave money back, and the payment is CHARGED"}},
		"known and not taken":       {books{all(paid(processed(5))), nil, nil}, []string{"the payment is CHARGED, and the provider did not take so much"}},
		"known and not given back":  {books{all(paid(processed(5), gaveBack(2, 5))), []payment.Movement{charged(5)}, known(5, 0)}, []string{"the payment is CHARGED, and the provider gave back another amount"}},
		"what no ledger has":        {books{nil, []payment.Movement{{Type: "gift", OrderID: "o"}}, nil}, []string{`the ledger has a "gift"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			r := payment.Reconciling{Payments: c.books, Ledger: c.books, Charges: c.books}
			done, err := r.Reconcile(t.Context(), moment.Add(-time.Hour), moment.Add(time.Minute), func(d payment.Difference) error {
				got = append(got, d.What)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
			if done.Differences != len(got) || done.Movements != len(c.ledger) || done.Payments != len(c.payments) {
				t.Errorf("counted %+v", done)
			}
		})
	}
}

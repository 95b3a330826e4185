package payment_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func init() { telemetry.SetOutput(io.Discard) }

const amount = 500

var moment = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func gbp(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }

// errNoAnswer is what is heard of a provider that cannot be reached.
var errNoAnswer = fault.New(codes.Unavailable, "", "no answer from the provider")

// provider is a payment.Provider with a ledger: what it says and what it took are two things.
type provider struct {
	before, after func(op string) error // as with memory.Database; "charge", "find", "void", "refund"
	odd           payment.ChargeStatus  // what it answers, whatever is true
	keepsPending  bool                  // it cannot void a pending charge

	mu        sync.Mutex
	status    payment.ChargeStatus // of the one charge; empty: it never heard of it
	amount    *typev1.Money        // that it says; nil: what it is always charged
	taken     int                  // how often it took the money
	givenBack int
	parts     map[string]int64 // given back by key
	partCalls int              // how often a part was moved
	calls     []string
}

func (p *provider) do(op string, f func() error) (payment.Charge, error) {
	if p.before != nil {
		if err := p.before(op); err != nil {
			return payment.Charge{}, err
		}
	}
	p.mu.Lock()
	p.calls = append(p.calls, op)
	err := f()
	c := payment.Charge{ID: "ch_1", Status: p.status, Amount: p.amount, Refunded: int64(p.givenBack * amount)}
	if c.Amount == nil {
		c.Amount = gbp(amount)
	}
	p.mu.Unlock()
	if err == nil && p.after != nil {
		err = p.after(op)
	}
	if p.odd != "" {
		c.Status = p.odd
	}
	if err != nil {
		return payment.Charge{}, err
	}
	return c, nil
}

func (p *provider) Charge(_ context.Context, _ string, money *typev1.Money, method string) (payment.Charge, error) {
	return p.do("charge", func() error {
		if p.status == "" {
			switch method {
			case "approve":
				p.status, p.taken = payment.ChargeApproved, p.taken+1
			case "decline":
				p.status = payment.ChargeDeclined
			case "pending":
				p.status = payment.ChargePending
			default:
				return fault.New(codes.InvalidArgument, "provider_refused", "no such method")
			}
		}
		return nil
	})
}

func (p *provider) Find(context.Context, string) (payment.Charge, error) {
	return p.do("find", func() error {
		if p.status == "" {
			return payment.ErrUnknownCharge
		}
		return nil
	})
}

func (p *provider) Void(context.Context, string) (payment.Charge, error) {
	return p.do("void", func() error {
		if p.status == "" || p.status == payment.ChargePending && !p.keepsPending {
			p.status = payment.ChargeVoided
		}
		return nil
	})
}

func (p *provider) Refund(_ context.Context, _ string, money *typev1.Money) error {
	_, err := p.do("refund", func() error {
		if p.status != payment.ChargeApproved || money.GetMinorUnits() != amount {
			return fault.New(codes.InvalidArgument, "provider_refused", "nothing to refund")
		}
		p.givenBack = 1
		return nil
	})
	return err
}

func (p *provider) RefundAmount(_ context.Context, _, refundKey string, money *typev1.Money) error {
	_, err := p.do("refund part", func() error {
		sum := money.GetMinorUnits()
		for _, n := range p.parts {
			sum += n
		}
		switch done, again := p.parts[refundKey]; {
		case again && done == money.GetMinorUnits():
			return nil
		case again || p.status != payment.ChargeApproved || sum > amount:
			return fault.New(codes.InvalidArgument, "provider_refused", "nothing to refund")
		}
		if p.parts == nil {
			p.parts = map[string]int64{}
		}
		p.parts[refundKey] = money.GetMinorUnits()
		p.partCalls++
		return nil
	})
	return err
}

// settle ends a pending charge at the provider.
func (p *provider) settle(as payment.ChargeStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != payment.ChargePending {
		return
	}
	if p.status = as; as == payment.ChargeApproved {
		p.taken++
	}
}

// world is the payment room over a store in memory and a provider.
type world struct {
	t        testing.TB
	db       *memory.Database
	payments *store.Payments
	provider *provider

	mu     sync.Mutex
	events []event.Event
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, db: &memory.Database{}, provider: &provider{}}
	w.payments = store.NewPayments(w.db, w, time.Now)
	return w
}

// bubble runs a test in a time of its own: conflicts are waited for in no time.
func bubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

// Publish implements store.Publisher.
func (w *world) Publish(_ context.Context, events ...event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, events...)
	return nil
}

func now() time.Time { return moment }

func (w *world) paying() payment.Paying {
	return payment.Paying{Payments: w.payments, Provider: w.provider, Now: now}
}

func (w *world) charge(method string) (*payment.Payment, error) {
	return w.paying().Charge(context.Background(), "o1", gbp(amount), method)
}

func (w *world) refund() (*payment.Payment, error) {
	return w.paying().Refund(context.Background(), "o1")
}

func (w *world) hear(s payment.ChargeStatus) error {
	return payment.Hearing{Payments: w.payments, Now: now}.Hear(context.Background(), payment.Outcome{OrderID: "o1", Charge: payment.Charge{ID: "ch_1", Status: s}})
}

// state is what is stored of the payment.
func (w *world) state() payment.State {
	p, err := w.payments.Get(context.Background(), "o1")
	if err != nil {
		return 0
	}
	return p.State
}

// word is what became of a call: CHARGED, or the reason it was refused for.
func word(p *payment.Payment, err error) string {
	if err != nil {
		if r := fault.Reason(err); r != "" {
			return r
		}
		return fault.Code(err).String()
	}
	return strings.TrimPrefix(p.State.String(), "PAYMENT_STATE_")
}

func (w *world) want(what, want string, p *payment.Payment, err error) {
	w.t.Helper()
	if got := word(p, err); got != want {
		w.t.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}

// wantTaken checks the provider's ledger.
func (w *world) wantTaken(taken, givenBack int) {
	w.t.Helper()
	if w.provider.taken != taken || w.provider.givenBack != givenBack {
		w.t.Errorf("the provider took the money %d times and gave it back %d times, want %d and %d", w.provider.taken, w.provider.givenBack, taken, givenBack)
	}
}

// wantEvents checks the payment's journal: types and, with "!", those for which a saga is to be started.
func (w *world) wantEvents(want ...string) {
	w.t.Helper()
	j, err := store.JournalOf(context.Background(), w.db, "payments", "o1")
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for i, e := range j.Entries {
		name := string(e.Event.ProtoReflect().Descriptor().Name())
		if e.Resume {
			name += "!"
		}
		if e.Event.GetSeq() != int64(i)+1 {
			name += fmt.Sprint(" seq ", e.Event.GetSeq())
		}
		got = append(got, name)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		w.t.Errorf("events %v, want %v", got, want)
	}
}

// until tries again while there is trouble, as the saga does.
func until(f func() (*payment.Payment, error)) (p *payment.Payment, err error) {
	for range 10 {
		if p, err = f(); !trouble(err) {
			return p, err
		}
	}
	return p, err
}

func trouble(err error) bool {
	switch fault.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted:
		return true
	}
	return errors.Is(err, context.Canceled)
}

package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/provider"
	"orderflow.dev/local/psp"
)

// bank is a process's way to the payment provider, whose ledger is the one of the local stack: a payment.Provider.
type bank struct {
	sim    *sim
	forget bool // a seeded bug: it knows no idempotency key
	parts  bool // a seeded bug: it knows none of a refund by hand
}

var webhooks = provider.WebhookConfig{Secrets: []string{"sim"}}

// ask has the provider do something, whose answer may never come.
func (b *bank) ask(ctx context.Context, what, key string, do func(o occasion) (psp.Charge, error)) (payment.Charge, error) {
	o := taskOf(ctx).at("provider "+what, key)
	o.pause("there")
	if o.fires(providerFails) {
		return payment.Charge{}, fault.New(codes.Unavailable, "", "the provider could not be reached")
	}
	o.point("before")
	c, err := do(o)
	o.note(key, fmt.Sprintf("%s: %s %v", o.what, c.Status, err))
	o.point("after")
	o.pause("back")
	if errors.Is(err, psp.ErrNoAnswer) || o.fires(providerUnheard) {
		time.Sleep(providerTimeout)
		o.alive()
		return payment.Charge{}, fault.New(codes.Unavailable, "", "the provider did not answer")
	}
	return payment.Charge{ID: c.ID, Status: payment.ChargeStatus(c.Status)}, refusal(err)
}

const providerTimeout = 5 * time.Second

func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, psp.ErrUnavailable):
		return fault.Wrap(err, codes.Unavailable, "", "provider")
	case errors.Is(err, psp.ErrNotFound):
		return payment.ErrUnknownCharge
	}
	return fault.Wrap(err, codes.InvalidArgument, "provider_refused", "provider")
}

// Charge implements payment.Provider.
func (b *bank) Charge(ctx context.Context, key string, amount *typev1.Money, method string) (payment.Charge, error) {
	return b.ask(ctx, "charge", key, func(o occasion) (psp.Charge, error) {
		if b.forget {
			key += "/" + fmt.Sprintf("%x", uint64(o.dice))
		}
		c, err := b.sim.ledger.Charge(psp.ChargeRequest{
			IdempotencyKey: key, Amount: amount.GetMinorUnits(), Currency: amount.GetCurrencyCode(), PaymentMethod: method,
		})
		if c.Status == psp.Pending {
			b.settle(o, key)
		}
		return c, err
	})
}

// Find implements payment.Provider.
func (b *bank) Find(ctx context.Context, key string) (payment.Charge, error) {
	return b.ask(ctx, "find", key, func(occasion) (psp.Charge, error) { return b.sim.ledger.Get(key) })
}

// Void implements payment.Provider.
func (b *bank) Void(ctx context.Context, key string) (payment.Charge, error) {
	return b.ask(ctx, "void", key, func(occasion) (psp.Charge, error) { return b.sim.ledger.Void(key) })
}

// Refund implements payment.Provider.
func (b *bank) Refund(ctx context.Context, key string, amount *typev1.Money) error {
	_, err := b.ask(ctx, "refund", key, func(occasion) (psp.Charge, error) { return b.sim.ledger.Refund(key, amount.GetMinorUnits()) })
	return err
}

// RefundAmount implements payment.Provider.
func (b *bank) RefundAmount(ctx context.Context, key, refundKey string, amount *typev1.Money) error {
	_, err := b.ask(ctx, "refund part", key, func(o occasion) (psp.Charge, error) {
		if b.parts {
			refundKey += "/" + fmt.Sprintf("%x", uint64(o.dice))
		}
		return b.sim.ledger.RefundAmount(key, refundKey, amount.GetMinorUnits(), amount.GetCurrencyCode())
	})
	return err
}

// settle decides a pending charge later, and tells of it by webhook.
func (b *bank) settle(o occasion, key string) {
	t := o.child("provider", key)
	begin := t.at("settle", "")
	delay := begin.dice.of("delay", 0).between(100*time.Millisecond, 40*time.Minute)
	if begin.fires(webhookEarly) {
		delay = begin.dice.of("delay", 0).between(time.Microsecond, 10*time.Millisecond)
	}
	b.sim.spawn(func() {
		if !b.sim.sleep(delay) {
			return
		}
		e, ok := b.sim.ledger.Settle(key)
		if !ok {
			return
		}
		t.note("", "decides: "+e.Type)
		if begin.fires(webhookNever) {
			return
		}
		b.tell(t, e)
		if begin.fires(webhookTwice) {
			b.tell(t, e)
		}
	})
}

// tell sends a webhook until it is taken, for a while.
func (b *bank) tell(t *task, e psp.Event) {
	body, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	for range 8 {
		ctx, cancel := context.WithTimeout(t.in(b.sim.ctx), 10*time.Second)
		resp, err := t.call(ctx, "payment-webhook", e.IdempotencyKey, func() *http.Request {
			r, err := http.NewRequest(http.MethodPost, "http://payment-webhook", bytes.NewReader(body))
			if err != nil {
				panic(err)
			}
			r.Header.Set(psp.SignatureHeader, psp.Sign([]byte("sim"), time.Now(), body))
			return r
		})
		cancel()
		t.note("", "webhook "+e.Type+" → "+failed(resp, err))
		if err == nil && resp.StatusCode/100 == 2 {
			return
		}
		time.Sleep(t.at("again", "").dice.between(time.Second, time.Minute))
	}
}

package simulation

import (
	"context"
	"slices"
	"strings"
	"testing"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/promise"
)

// bugs are broken on purpose: the simulation must find each within a few seeds, and so that some promise names it.
var bugs = map[string]struct {
	seed   func(*sim)
	breaks []string // any of them
}{
	"trouble cancels": {
		replaced("${is_trouble}", "${never}", "# is_trouble tells", "never:\n  params: [e]\n  steps: [{no: {return: false}}]\n\n# is_trouble tells",
			`- condition: ${not(default(map.get(e, ["body", "reason"]), "") in ["out_of_stock", "declined", "cancelled", "expired"])}
                    raise: ${e}`, `- condition: ${not(default(map.get(e, ["body", "reason"]), "") in ["out_of_stock", "declined", "cancelled", "expired"])}
                    next: give_up
            - compensate_it:
                call: compensate
                args: {order: "${order}", reason: "${e.body.reason}"}
                next: end
            - give_up:
                call: compensate
                args: {order: "${order}", reason: "cancelled"}
                next: end`),
		[]string{promise.TroubleNeverCancels, promise.CancellationWasAsked},
	},
	"stock is not released": {
		replaced("InventoryService/ReleaseStock", "InventoryService/ReserveStock", `body: {order_id: "${order.order_id}"}
                result: released`, `body: {order_id: "${order.order_id}", quantities: "${order.quantities}"}
                result: released`),
		[]string{promise.EndedInTime, promise.CancelledIsUndone, promise.ReservationFollowsOrder},
	},
	"confirmed before it is charged": {
		replaced(`payment_state: ${charged.body.payment.state}`, `payment_state: PAYMENT_STATE_CHARGED`),
		[]string{promise.MoneyFollowsOrder, promise.PaymentMatchesOrder},
	},
	"nobody sweeps":                        {func(s *sim) { s.sweeps = false }, []string{promise.EndedInTime, promise.EventsArePublished}},
	"the provider knows no key":            {func(s *sim) { s.bank.forget = true }, []string{promise.MoneyFollowsOrder}},
	"the provider knows no refund's key":   {func(s *sim) { s.bank.parts = true }, []string{promise.RefundedAsRequested, promise.MoneyFollowsOrder}},
	"refunds are lost on their way":        {func(s *sim) { s.dropped = func(c string) bool { return c == "refund-payment" } }, []string{promise.RefundedAsRequested}},
	"events are lost on their way":         {func(s *sim) { s.dropped = func(c string) bool { return c == "notify-customer" } }, []string{promise.ToldOnce, promise.EventsFollowCommits}},
	"mail that went out is said not to":    {func(s *sim) { s.mailLies = true }, []string{promise.ToldOnce}},
	"a reservation is forgotten":           {func(s *sim) { s.stock = func(i inventory.Store) inventory.Store { return forgetful{i} } }, []string{promise.StockAddsUp, promise.EndedInTime}},
	"stock is written whoever wrote since": {func(s *sim) { s.stock = func(i inventory.Store) inventory.Store { return careless{i} } }, []string{promise.StockAddsUp}},
}

func replaced(pairs ...string) func(*sim) {
	return func(s *sim) { s.yaml = strings.NewReplacer(pairs...).Replace }
}

// forgetful finds no reservation that exists.
type forgetful struct{ inventory.Store }

func (f forgetful) Load(ctx context.Context, ids []string) (map[string]*inventory.Reservation, error) {
	_, err := f.Store.Load(ctx, ids)
	return map[string]*inventory.Reservation{}, err
}

// careless takes stock as it is now for stock as it was read.
type careless struct{ inventory.Store }

func (c careless) Save(ctx context.Context, reservations []*inventory.Reservation, stock []*inventory.Stock) error {
	skus := make([]string, len(stock))
	for i, s := range stock {
		skus[i] = s.SKU
	}
	if len(skus) > 0 {
		now, err := c.LoadStock(ctx, skus)
		if err != nil {
			return err
		}
		for _, s := range stock {
			s.Version = now[s.SKU].Version
		}
	}
	return c.Store.Save(ctx, reservations, stock)
}

func TestSeededBugsAreFound(t *testing.T) {
	t.Parallel()
	for name, b := range bugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(40) {
				o := run(t, plan{seed: seed, orders: 30, bug: b.seed})
				for _, v := range o.verdicts {
					if len(v.Violations) > 0 && slices.Contains(b.breaks, v.Promise) {
						t.Logf("found by seed %d: %s: %s", seed, v.Promise, v.Violations[0].Why)
						return
					}
				}
			}
			t.Errorf("not found")
		})
	}
}

package e2e

import (
	"context"
	"testing"
	"time"
)

// TestEveryEnding runs each scenario and holds what the journals, the provider and the notifications say of it.
func TestEveryEnding(t *testing.T) {
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			o, err := s.Run(ctx, World{Customer: customer(t, t.Name()), AtProvider: look.AtProvider})
			if err != nil {
				t.Fatal(err)
			}
			charge, err := look.Charge(ctx, o.GetOrderId())
			if err != nil {
				t.Fatal(err)
			}
			want := int64(0)
			if s.Paid {
				want = o.GetTotal().GetMinorUnits()
			}
			if charge.Net() != want {
				t.Errorf("the provider keeps %d of order %s, want %d", charge.Net(), o.GetOrderId(), want)
			}
			happenings, err := look.Timeline(ctx, o.GetOrderId())
			if err != nil {
				t.Fatal(err)
			}
			last := map[bool]string{true: "OrderConfirmed", false: "OrderCancelled"}[s.Paid]
			if got := happenings[len(happenings)-1].What; got != last {
				t.Errorf("the last event is %s, want %s", got, last)
			}
		})
	}
}

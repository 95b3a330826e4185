// Package paymentwebhook hears from the payment provider what became of a pending charge. It is public: the signature
// is what admits a caller.
package paymentwebhook

import (
	"context"
	"net/http"
	"time"

	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/provider"
	"orderflow.dev/internal/store"
)

type config struct {
	Store   store.Config
	Webhook provider.WebhookConfig
}

func init() { function.Webhook("payment-webhook", provider.MaxWebhook, wire) }

func wire(ctx context.Context, cfg config) (function.WebhookHandler, error) {
	payments, err := store.OpenPayments(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(cfg.Webhook, payment.Hearing{Payments: payments, Now: time.Now}), nil
}

// Handler verifies a webhook and takes the outcome that it tells.
func Handler(webhook provider.WebhookConfig, hearing payment.Hearing) function.WebhookHandler {
	return func(ctx context.Context, r *http.Request) error {
		outcome, err := webhook.Read(r, hearing.Now())
		if err != nil {
			return err
		}
		telemetry.Annotate(ctx, "order_id", outcome.OrderID)
		return hearing.Hear(ctx, outcome)
	}
}

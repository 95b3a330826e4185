// Package parkdeadletter keeps what no function could handle, with the reason, until a person decides.
package parkdeadletter

import (
	"context"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
}

func init() { function.Message("park-dead-letter", wire) }

func wire(ctx context.Context, cfg config) (function.MessageHandler, error) {
	db, err := store.Open(ctx, cfg.Store.Project, "platform")
	if err != nil {
		return nil, err
	}
	letters := store.NewDeadLetters(db)
	return func(ctx context.Context, m event.Message) error {
		by, reason := origin(m)
		return letters.Park(ctx, m.Attributes["x-goog-pubsub-message-id"], by, reason, m)
	}, nil
}

// origin is who gave up on a message, and why: a function that parked it, or Pub/Sub after too many attempts
// (https://cloud.google.com/pubsub/docs/handling-failures#track-delivery-attempts).
func origin(m event.Message) (by, reason string) {
	if by := m.Attributes["parked-by"]; by != "" {
		return by, m.Attributes["parked-reason"]
	}
	return m.Attributes["cloudpubsubdeadlettersourcesubscription"],
		"not acknowledged in " + m.Attributes["cloudpubsubdeadlettersourcedeliverycount"] + " deliveries"
}

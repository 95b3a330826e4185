// Package parkdeadletter keeps what no function could handle, with the reason, until a person decides.
package parkdeadletter

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

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
	return Handler(store.NewDeadLetters(db, time.Now)), nil
}

// Handler keeps a message with who gave up on it, and why.
func Handler(letters *store.DeadLetters) function.MessageHandler {
	return func(ctx context.Context, m event.Message) error {
		by, reason := origin(m)
		return letters.Park(ctx, id(m), by, reason, m)
	}
}

// id is Pub/Sub's of a message, the same each time it is delivered. A subscription that does not write it leaves the
// content to tell messages apart: nothing may come here again and again.
func id(m event.Message) string {
	if id := m.Attributes["x-goog-pubsub-message-id"]; id != "" {
		return id
	}
	return fmt.Sprintf("%x", sha256.Sum256(append([]byte(m.Attributes["ce-id"]+"\x00"), m.Data...)))
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

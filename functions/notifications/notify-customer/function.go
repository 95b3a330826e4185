// Package notifycustomer tells the customer how the order ended.
package notifycustomer

import (
	"context"
	"time"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/notification"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
	Dir   string `env:"NOTIFICATIONS_DIR, default=/tmp/notifications"` // where the sender writes a file per message
}

func init() { function.Event("notify-customer", wire) }

func wire(ctx context.Context, cfg config) (function.EventHandler, error) {
	db, err := store.Open(ctx, cfg.Store.Project, "notifications")
	if err != nil {
		return nil, err
	}
	return Handler(notification.Notifying{
		Records: store.NewNotifications(db), Sender: notification.Files{Dir: cfg.Dir}, Now: time.Now,
	}), nil
}

// Handler tells the customer of the end that an event is.
func Handler(notifying notification.Notifying) function.EventHandler {
	return func(ctx context.Context, e *event.Event) error {
		switch data := e.Data.(type) {
		case *eventv1.OrderConfirmed:
			return notifying.Confirmed(ctx, data)
		case *eventv1.OrderCancelled:
			return notifying.Cancelled(ctx, data)
		}
		return nil
	}
}

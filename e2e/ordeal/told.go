package ordeal

import (
	"context"
	"path"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
)

// told are the messages that were sent to customers, by id.
func told(ctx context.Context, notifications store.Database) (map[string]bool, error) {
	sent := map[string]bool{}
	err := store.ScanDocuments(ctx, notifications, "notifications", func(d store.Document) {
		if is, _ := d.Fields["sent"].(bool); is {
			sent[path.Base(d.Path)] = true
		}
	})
	return sent, err
}

// untold are the orders whose ending was not sent.
func untold(w promise.World, sent map[string]bool) (ids []string) {
	for _, o := range w.Orders {
		for _, e := range o.Journal.Entries {
			how := ""
			switch e.Event.(type) {
			case *eventv1.OrderConfirmed:
				how = "confirmed"
			case *eventv1.OrderCancelled:
				how = "cancelled"
			default:
				continue
			}
			if !sent[o.ID+"."+how+"@orderflow.dev"] {
				ids = append(ids, o.ID)
			}
		}
	}
	return ids
}

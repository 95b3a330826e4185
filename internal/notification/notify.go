// Package notification tells customers how their orders ended.
package notification

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
)

// Message is one notification.
type Message struct {
	ID         string // stable: the receiving system can drop a second copy by it (RFC 5322 Message-ID)
	OrderID    string
	CustomerID string
	Subject    string
	Body       string
}

// ErrNotSent says that a message is known not to have been sent.
var ErrNotSent = errors.New("the message was not sent")

// Sender sends a message. Sending it twice must at worst show it twice. An error that is ErrNotSent says that it is known not
// to have been sent, so that anybody may try at once; after any other it may have been.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Record is what is kept of a notification.
type Record struct {
	MessageID  string
	Sent       bool
	LeaseUntil time.Time // until then somebody else is sending it
	Version    any       // the store's
}

// Store keeps records.
type Store interface {
	// Create writes a new record; ErrExists if there is one.
	Create(ctx context.Context, r *Record) error
	// Get reads a record.
	Get(ctx context.Context, messageID string) (*Record, error)
	// Save writes a record if it is still as it was read; ErrConflict otherwise.
	Save(ctx context.Context, r *Record) error
}

// The store's refusals.
var (
	ErrExists   = fault.New(codes.AlreadyExists, "notification_exists", "the notification exists")
	ErrConflict = fault.New(codes.Aborted, "conflict", "somebody else is sending the notification")
)

// Notifying sends notifications.
type Notifying struct {
	Records Store
	Sender  Sender
	Now     func() time.Time
}

// lease is how long a sender may take before another takes over.
const lease = 30 * time.Second

// Confirmed tells a customer that an order is on its way.
func (n Notifying) Confirmed(ctx context.Context, e *eventv1.OrderConfirmed) error {
	return n.notify(ctx, Message{
		ID: e.GetOrderId() + ".confirmed@orderflow.dev", OrderID: e.GetOrderId(), CustomerID: e.GetCustomerId(),
		Subject: "Your order is confirmed",
		Body:    fmt.Sprintf("Order %s is paid (%s) and its goods are set aside for you.\n", e.GetOrderId(), money(e.GetTotal())),
	})
}

// Cancelled tells a customer that and why an order was cancelled.
func (n Notifying) Cancelled(ctx context.Context, e *eventv1.OrderCancelled) error {
	return n.notify(ctx, Message{
		ID: e.GetOrderId() + ".cancelled@orderflow.dev", OrderID: e.GetOrderId(), CustomerID: e.GetCustomerId(),
		Subject: "Your order was cancelled",
		Body:    fmt.Sprintf("Order %s (%s) was cancelled: %s. You have not been charged, or your money is on its way back.\n", e.GetOrderId(), money(e.GetTotal()), words(e.GetReason())),
	})
}

func words(reason string) string {
	switch reason {
	case "out_of_stock":
		return "something you ordered is out of stock"
	case "declined":
		return "the payment was declined"
	case "cancelled":
		return "you asked us to"
	case "expired":
		return "it was not paid in time"
	}
	return "we could not fulfil it"
}

func money(m *typev1.Money) string {
	return fmt.Sprintf("%s %d.%02d", m.GetCurrencyCode(), m.GetMinorUnits()/100, m.GetMinorUnits()%100)
}

// notify sends at least once: twice only after a crash between sending and recording. What is known not to have been sent
// may be sent at once by whoever comes next; what may have been, only after the claim's time.
func (n Notifying) notify(ctx context.Context, m Message) error {
	r, err := n.claim(ctx, m.ID)
	if err != nil || r.Sent {
		return err
	}
	if err := n.Sender.Send(ctx, m); err != nil {
		if errors.Is(err, ErrNotSent) {
			r.LeaseUntil = time.Time{}
			_ = n.Records.Save(ctx, r) // if it cannot be given back, the claim ends by itself; if another has it, it is that one's
		}
		return fault.Wrap(err, codes.Unavailable, "", "send notification %s", m.ID)
	}
	r.Sent, r.LeaseUntil = true, time.Time{}
	return n.Records.Save(ctx, r)
}

// claim makes this call the one that sends. While another holds the claim it is ABORTED: the event comes again.
func (n Notifying) claim(ctx context.Context, id string) (*Record, error) {
	r := &Record{MessageID: id, LeaseUntil: n.Now().Add(lease)}
	err := n.Records.Create(ctx, r)
	if !errors.Is(err, ErrExists) {
		return r, err
	}
	if r, err = n.Records.Get(ctx, id); err != nil || r.Sent {
		return r, err
	}
	if n.Now().Before(r.LeaseUntil) {
		return nil, ErrConflict
	}
	r.LeaseUntil = n.Now().Add(lease)
	return r, n.Records.Save(ctx, r)
}

package startfulfilment_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/orders/start-fulfilment"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/workflows"
)

// capacity is how many sagas the engine starts before its clock is moved on.
const capacity = 20

// clock stands still until it is moved, so that the engine throttles exactly when a test wants it to.
type clock struct{ moved atomic.Int64 }

func (c *clock) Now() time.Time                                   { return time.Unix(c.moved.Load(), 0) }
func (c *clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

var engineClock = &clock{}

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Workflows(workflows.Options{Clock: engineClock, StartsPerSecond: capacity}))
}

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"

// deliver delivers the fact that e happened to an aggregate.
func deliver(t *testing.T, aggregate string, e journal.Event) cloudtest.Answer {
	t.Helper()
	return cloudtest.Deliver(t, cloudtest.Function(t, "start-fulfilment"), event.FromJournal(aggregate, journal.Entry{
		Event: e, Resume: true, Traceparent: "00-" + trace + "-00f067aa0ba902b7-01", RequestID: "r1",
	}))
}

func wantSagas(t *testing.T, what string, a cloudtest.Answer, orderID string, want ...order.Fulfilment) {
	t.Helper()
	if a.Status != 204 {
		t.Errorf("%s: answer %d %s, want 204", what, a.Status, a.Body)
	}
	got := cloudtest.Sagas(t, orderID)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(order.Fulfilment{}, "Traceparent")); diff != "" {
		t.Errorf("%s: sagas (-want +got):\n%s", what, diff)
	}
	for _, s := range got {
		if len(s.Traceparent) != 55 || s.Traceparent[3:35] != trace {
			t.Errorf("%s: traceparent %q does not go on with the event's", what, s.Traceparent)
		}
	}
}

// whole is the saga of an order as cloudtest places them.
func whole(id string, seq int64) order.Fulfilment {
	return order.Fulfilment{
		OrderID: id, Seq: seq, Quantities: map[string]int32{"TEA": 2}, Amount: &order.Amount{CurrencyCode: "GBP", MinorUnits: 500},
		PaymentMethod: "pm_approve", RequestID: "r1",
	}
}

// TestThrottledSagaIsLeftToTheSweep uses up what the engine starts and is not parallel.
func TestThrottledSagaIsLeftToTheSweep(t *testing.T) {
	engineClock.moved.Add(3600)
	defer engineClock.moved.Add(3600)
	started := 0
	for range capacity + 5 {
		created := &eventv1.OrderCreated{OrderId: cloudtest.NewID(), Seq: 1, EventTime: timestamppb.Now()}
		if a := deliver(t, "orders", created); a.Status != 204 {
			t.Errorf("answer %d %s, want 204: delivering it again would only add to the load", a.Status, a.Body)
		}
		started += len(cloudtest.Sagas(t, created.GetOrderId()))
	}
	if started != capacity {
		t.Errorf("%d sagas were started, want %d", started, capacity)
	}
}

func TestNewOrderStartsItsSagaFromTheEventAlone(t *testing.T) {
	t.Parallel()
	o := cloudtest.Placed(t, "c1")
	created := o.Created()
	created.OrderId = cloudtest.NewID() // an order that cannot be read: nothing must be read
	wantSagas(t, "new order", deliver(t, "orders", created), created.GetOrderId(), whole(created.GetOrderId(), 1))
}

func TestEventOfLongAgoIsCheckedAgainstItsOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    *order.Order
		want []order.Fulfilment
	}{
		"still placed": {cloudtest.Placed(t, "c1"), []order.Fulfilment{{}}},
		"confirmed":    {cloudtest.Confirmed(t, "c1"), nil},
	} {
		created := c.o.Created()
		created.EventTime = timestamppb.New(time.Now().Add(-2 * time.Hour))
		if c.want != nil {
			c.want[0] = whole(c.o.ID, 1)
		}
		wantSagas(t, name, deliver(t, "orders", created), c.o.ID, c.want...)
	}
}

func TestReplayedEventIsCheckedAgainstItsOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o    *order.Order
		want []order.Fulfilment
	}{
		"still placed": {cloudtest.Placed(t, "c1"), []order.Fulfilment{{}}},
		"confirmed":    {cloudtest.Confirmed(t, "c1"), nil},
	} {
		if c.want != nil {
			c.want[0] = whole(c.o.ID, 1)
		}
		e := event.FromJournal("orders", journal.Entry{
			Event: c.o.Created(), Traceparent: "00-" + trace + "-00f067aa0ba902b7-01", RequestID: "r1",
		})
		e.Replay = "r"
		wantSagas(t, name, cloudtest.Deliver(t, cloudtest.Function(t, "start-fulfilment"), e), c.o.ID, c.want...)
	}
}

func TestOutcomeThatNobodyWaitsForStartsTheSagaAgain(t *testing.T) {
	t.Parallel()
	placed, cancelling, confirmed := cloudtest.Placed(t, "c1").ID, cloudtest.Cancelling(t, "c1").ID, cloudtest.Confirmed(t, "c1").ID
	now := timestamppb.Now()
	a := deliver(t, "payments", &eventv1.PaymentProcessed{OrderId: placed, Seq: 1, EventTime: now})
	wantSagas(t, "payment of a placed order; its seq is not the order's", a, placed, whole(placed, 0))
	a = deliver(t, "orders", &eventv1.OrderCancellationStarted{OrderId: cancelling, Seq: 2, EventTime: now})
	wantSagas(t, "cancellation", a, cancelling, order.Fulfilment{OrderID: cancelling, Seq: 2, CancelReason: "out_of_stock", RequestID: "r1"})
	retried := cloudtest.Placed(t, "c1").ID
	a = deliver(t, "orders", &eventv1.OrderRetried{OrderId: retried, Seq: 2, EventTime: now})
	wantSagas(t, "an operator's retry; its seq is the order's", a, retried, whole(retried, 2))
	a = deliver(t, "payments", &eventv1.PaymentFailed{OrderId: confirmed, Seq: 1, EventTime: now})
	wantSagas(t, "payment of a final order", a, confirmed)
}

func TestEventOfAnOrderThatIsNotThereIsParked(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	id := cloudtest.NewID()
	wantSagas(t, "no such order", deliver(t, "payments", &eventv1.PaymentProcessed{OrderId: id, Seq: 1}), id)
	if n := len(tap.About(id)); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

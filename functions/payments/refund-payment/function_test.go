package refundpayment_test

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	_ "orderflow.dev/functions/payments/refund-payment"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/psp"
	_ "orderflow.dev/services/payment"
)

// ledger is the provider's own: what money moved.
var ledger = psp.NewLedger(psp.LedgerOptions{})

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Provider(ledger), cloudtest.Service("payment"))
}

// asked is a confirmed order of £5 of which a part is to be given back, and the event that says so.
func asked(t *testing.T, pence int64) (string, *eventv1.OrderRefundRequested) {
	t.Helper()
	o, err := order.Operating{Cancellation: order.Cancellation{Orders: cloudtest.Orders(t), Now: time.Now}}.Refund(t.Context(), cloudtest.Confirmed(t, "c1").ID,
		&typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, order.Act{By: "olga", Note: "broken", Key: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	return o.ID, o.Journal.Entries[2].Event.(*eventv1.OrderRefundRequested)
}

func charge(t *testing.T, id string) {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), os.Getenv("PAYMENT_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = paymentv1.NewPaymentServiceClient(conn).ChargePayment(t.Context(), &paymentv1.ChargePaymentRequest{
		OrderId: id, Amount: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}, PaymentMethod: psp.MethodApprove,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func deliver(t *testing.T, e *eventv1.OrderRefundRequested) cloudtest.Answer {
	t.Helper()
	return cloudtest.Deliver(t, cloudtest.Function(t, "refund-payment"), event.FromJournal("orders", journal.Entry{Event: e}))
}

// moved is what the provider gave back of an order, by key.
func moved(id string) map[string]int64 {
	out := map[string]int64{}
	for _, m := range ledger.Movements() {
		if m.Type == psp.MovementRefund && m.IdempotencyKey == id {
			out[m.RefundKey] += m.Amount
		}
	}
	return out
}

func TestMoneyIsGivenBackOnceHoweverOftenTheEventComes(t *testing.T) {
	t.Parallel()
	id, e := asked(t, 200)
	charge(t, id)
	for range 3 {
		if a := deliver(t, e); a.Status != 204 {
			t.Errorf("answer %d %s", a.Status, a.Body)
		}
	}
	if diff := cmp.Diff(map[string]int64{id + "/r1": 200}, moved(id)); diff != "" {
		t.Errorf("the provider gave back (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"OrderCreated", "OrderConfirmed", "OrderRefundRequested", "OrderRefunded"}, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("the order's journal (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"PaymentProcessed", "PaymentRefunded"}, cloudtest.Journal(t, "payments", id)); diff != "" {
		t.Errorf("the payment's journal (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeGivenBackIsParked(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	never, e := asked(t, 200) // its payment is not there
	if a := deliver(t, e); a.Status != 204 || len(tap.About(never)) != 1 {
		t.Errorf("no payment: answer %d, %d dead letters; want it parked", a.Status, len(tap.About(never)))
	}
	forged, e := asked(t, 200)
	charge(t, forged)
	e.RefundId = "forged"
	if a := deliver(t, e); a.Status != 204 || len(tap.About(forged)) != 1 || len(moved(forged)) != 0 {
		t.Errorf("a refund of nobody's: answer %d, %d dead letters, given back %v", a.Status, len(tap.About(forged)), moved(forged))
	}
}

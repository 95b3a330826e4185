package notifycustomer_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/notifications/notify-customer"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.TempDir("NOTIFICATIONS_DIR")) }

func deliver(t *testing.T, e journal.Event) cloudtest.Answer {
	t.Helper()
	return cloudtest.Deliver(t, cloudtest.Function(t, "notify-customer"), event.FromJournal("orders", journal.Entry{Event: e}))
}

func outbox() *os.Root {
	root, err := os.OpenRoot(os.Getenv("NOTIFICATIONS_DIR"))
	if err != nil {
		panic(err)
	}
	return root
}

func confirmed(id string) *eventv1.OrderConfirmed {
	return &eventv1.OrderConfirmed{OrderId: id, Seq: 2, EventTime: timestamppb.Now(), CustomerId: "c1", Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 505}}
}

func cancelled(id string) *eventv1.OrderCancelled {
	return &eventv1.OrderCancelled{
		OrderId: id, Seq: 3, EventTime: timestamppb.Now(), CustomerId: "c1", Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 505}, Reason: "out_of_stock",
	}
}

func TestCustomerIsToldHowTheOrderEnded(t *testing.T) {
	t.Parallel()
	a, b := cloudtest.NewID(), cloudtest.NewID()
	for name, c := range map[string]struct {
		e    journal.Event
		file string
		want []string
	}{
		"confirmed": {confirmed(a), a + ".confirmed@orderflow.dev.eml", []string{"Message-ID: <" + a + ".confirmed@orderflow.dev>", "Subject: Your order is confirmed", "GBP 5.05"}},
		"cancelled": {cancelled(b), b + ".cancelled@orderflow.dev.eml", []string{"Message-ID: <" + b + ".cancelled@orderflow.dev>", "out of stock", "GBP 5.05"}},
	} {
		if got := deliver(t, c.e); got.Status != 204 {
			t.Errorf("%s: answer %d %s", name, got.Status, got.Body)
		}
		text, err := outbox().ReadFile(c.file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: %q is not in %s", name, want, text)
			}
		}
	}
}

func TestEventDeliveredAgainSendsNothing(t *testing.T) {
	t.Parallel()
	id := cloudtest.NewID()
	deliver(t, confirmed(id))
	if err := outbox().Remove(id + ".confirmed@orderflow.dev.eml"); err != nil {
		t.Fatal(err)
	}
	if a := deliver(t, confirmed(id)); a.Status != 204 {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
	if _, err := fs.Stat(outbox().FS(), id+".confirmed@orderflow.dev.eml"); err == nil {
		t.Error("it was sent again")
	}
}

// Not parallel: the others need the folder.
func TestOnceTheCauseIsRepairedTheNextDeliverySends(t *testing.T) {
	id, dir := cloudtest.NewID(), os.Getenv("NOTIFICATIONS_DIR")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where it wants a folder
		t.Fatal(err)
	}
	for range 2 {
		if a := deliver(t, confirmed(id)); a.Status != 500 || !strings.Contains(a.Body, "unavailable") {
			t.Errorf("answer %d %s, want 500 unavailable", a.Status, a.Body)
		}
	}
	if err := errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)); err != nil {
		t.Fatal(err)
	}
	if a := deliver(t, confirmed(id)); a.Status != 204 {
		t.Errorf("repaired: answer %d %s, want 204", a.Status, a.Body)
	}
	if _, err := fs.Stat(outbox().FS(), id+".confirmed@orderflow.dev.eml"); err != nil {
		t.Error(err)
	}
}

func TestManyAtOnceSendOnceAndTheOthersAreDeliveredAgain(t *testing.T) {
	t.Parallel()
	id := cloudtest.NewID()
	status := make([]int, 10)
	var wg sync.WaitGroup
	for i := range status {
		wg.Go(func() { status[i] = deliver(t, confirmed(id)).Status })
	}
	wg.Wait()
	done := 0
	for _, s := range status {
		if s == 204 {
			done++
		} else if s != 500 {
			t.Errorf("answer %d, want 204 or 500", s)
		}
	}
	if done == 0 {
		t.Error("nobody sent it")
	}
	if a := deliver(t, confirmed(id)); a.Status != 204 {
		t.Errorf("afterwards: answer %d, want 204", a.Status)
	}
}

func TestOtherEventsTellNothing(t *testing.T) {
	t.Parallel()
	id := cloudtest.NewID()
	if a := deliver(t, &eventv1.OrderCreated{OrderId: id, Seq: 1}); a.Status != 204 {
		t.Errorf("answer %d %s", a.Status, a.Body)
	}
	files, err := fs.Glob(outbox().FS(), id+"*")
	if err != nil || len(files) > 0 {
		t.Errorf("sent %v, error %v", files, err)
	}
}

func TestMalformedDeliveryIsParked(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	before := len(tap.All())
	if a := cloudtest.Push(t, cloudtest.Function(t, "notify-customer"), "m1", map[string]string{"ce-id": "x"}, []byte("?")); a.Status != 204 {
		t.Errorf("answer %d %s, want 204", a.Status, a.Body)
	}
	if n := len(tap.All()) - before; n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
}

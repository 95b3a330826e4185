package sweeporders_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/platform/sweep-orders"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/workflows"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Workflows(workflows.Options{})) }

// The tests of a sweep share what it sweeps, so none is parallel.
func sweep(t *testing.T) {
	t.Helper()
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "sweep-orders"), nil, ""); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
}

// due makes an order one whose last saga should have ended it by now.
func due(o *order.Order) { o.NextAttempt = time.Now().Add(-time.Minute) }

func expired(o *order.Order) {
	due(o)
	o.Created().ExpireTime = timestamppb.New(time.Now().Add(-time.Second))
}

func TestOrderWhoseSagaDiedGetsAnother(t *testing.T) {
	waiting, lost := cloudtest.Placed(t, "c1"), cloudtest.Placed(t, "c1", due)
	for range 2 { // the second finds that it was just attended to
		sweep(t)
		got := cloudtest.Sagas(t, lost.ID)
		if len(got) != 1 || got[0].Seq != 0 || got[0].CancelReason != "" || got[0].Quantities["TEA"] != 2 {
			t.Errorf("sagas %+v, want one of the whole order", got)
		}
	}
	if got := cloudtest.Sagas(t, waiting.ID); len(got) != 0 {
		t.Errorf("an order that is not due got sagas %+v", got)
	}
	o, err := cloudtest.Orders(t).Get(t.Context(), lost.ID)
	if err != nil || o.Attempts != 1 || !o.NextAttempt.After(time.Now()) {
		t.Errorf("order %+v, error %v, want its next attempt later", o, err)
	}
	if got := cloudtest.Journal(t, "orders", lost.ID); len(got) != 1 {
		t.Errorf("trouble alone wrote %v", got)
	}
}

func TestExpiredOrderIsCancelledByItsEvent(t *testing.T) {
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCancellationStarted")
	id := cloudtest.Placed(t, "c1", expired).ID
	sweep(t)
	sweep(t)
	if diff := cmp.Diff([]string{"OrderCreated", "OrderCancellationStarted"}, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	if published := tap.About(id); len(published) != 1 || published[0].Attributes["ce-resume"] != "true" {
		t.Errorf("published %v, want one event that starts a saga", published)
	}
	if got := cloudtest.Sagas(t, id); len(got) != 0 {
		t.Errorf("sagas %+v were started beside the event", got)
	}
}

func TestCancellingOrderWhoseSagaDiedIsUndoneByAnother(t *testing.T) {
	o := cloudtest.Placed(t, "c1", due)
	if _, err := (order.Cancellation{Orders: cloudtest.Orders(t), Now: time.Now, Patience: -time.Minute}).Cancel(t.Context(), o.ID, order.Declined, 1, true); err != nil {
		t.Fatal(err)
	}
	sweep(t)
	got := cloudtest.Sagas(t, o.ID)
	if len(got) != 1 || got[0].CancelReason != "declined" || len(got[0].Quantities) != 0 {
		t.Errorf("sagas %+v, want one that undoes", got)
	}
}

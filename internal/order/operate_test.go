package order_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

// undoing is an order.Undoing that answers what a test says.
type undoing struct {
	payment     typev1.PaymentState
	reservation typev1.ReservationState
	paymentErr  error
	stockErr    error
	calls       []string
}

func (u *undoing) RefundPayment(context.Context, string) (typev1.PaymentState, error) {
	u.calls = append(u.calls, "refund")
	return u.payment, u.paymentErr
}

func (u *undoing) ReleaseStock(context.Context, string) (typev1.ReservationState, error) {
	u.calls = append(u.calls, "release")
	return u.reservation, u.stockErr
}

func (w *world) operating(u *undoing) order.Operating {
	return order.Operating{Cancellation: w.cancellation(), Undoing: u}
}

func by(key string) order.Act { return order.Act{By: "olga", Note: "a ticket", Key: key} }

// wantReason checks why something was refused; empty: it was not.
func wantReason(t *testing.T, what, want string, err error) {
	t.Helper()
	if (err == nil) != (want == "") || fault.Reason(err) != want {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestOperatorCancelsWhatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	for status, want := range map[order.Status]string{
		order.Placed: "", order.Confirmed: "already_confirmed", order.Cancelling: "", order.Cancelled: "",
	} {
		w := newWorld(t)
		id := w.in(status).ID
		for range 2 {
			o, err := w.operating(nil).Cancel(t.Context(), id, by(""))
			wantReason(t, string(status), want, err)
			if err == nil && status == order.Placed {
				same(t, "reason", order.ByOperator, o.Reason())
			}
		}
		if status != order.Placed {
			continue
		}
		last := w.get(id).Journal.Entries[1]
		started := last.Event.(*eventv1.OrderCancellationStarted)
		if !last.Resume || started.GetBy() != "olga" || started.GetNote() != "a ticket" || len(w.get(id).Journal.Entries) != 2 {
			t.Errorf("its journal ends with %v (resume %v), want one act that starts a saga, with who and why", started, last.Resume)
		}
	}
}

func TestRetryStartsASagaOncePerKey(t *testing.T) {
	t.Parallel()
	for status, want := range map[order.Status]string{
		order.Placed: "", order.Cancelling: "", order.Confirmed: "already_ended", order.Cancelled: "already_ended",
	} {
		w := newWorld(t)
		id := w.in(status).ID
		before := len(w.get(id).Journal.Entries)
		for _, key := range []string{"a", "a", "b"} {
			_, err := w.operating(nil).Retry(t.Context(), id, by(key))
			wantReason(t, string(status)+" "+key, want, err)
		}
		o := w.get(id)
		now, _ := o.Status()
		same(t, "status", status, now)
		if want == "" {
			same(t, string(status)+": entries", before+2, len(o.Journal.Entries))
			same(t, "it starts a saga", true, o.Journal.Entries[before].Resume)
		}
	}
}

func TestRetryDoesNotWaitForTheSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place("key").ID
	for range 4 { // the sweep's wait grows
		w.pass(6 * time.Minute)
		w.sweep()
	}
	o, err := w.operating(nil).Retry(t.Context(), id, by("a"))
	if err != nil || o.Attempts != 0 || o.NextAttempt.Sub(w.clock()) > patience {
		t.Errorf("after a retry: %d attempts, next in %s, %v; want it soon", o.Attempts, o.NextAttempt.Sub(w.clock()), err)
	}
	if err := w.fulfilling().Resume(t.Context(), id, o.Journal.Next()-1); err != nil {
		t.Fatal(err)
	}
	same(t, "journal entries", 2, len(w.get(id).Journal.Entries))
}

func TestRetriesAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place("key").ID
	for n := range 100 {
		if _, err := w.operating(nil).Retry(t.Context(), id, by(strings.Repeat("k", n%60+1)+string(rune('A'+n/60)))); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.operating(nil).Retry(t.Context(), id, by("once-more"))
	wantReason(t, "the 101st", "too_many_retries", err)
}

func TestCloseTakesEvidence(t *testing.T) {
	t.Parallel()
	trouble := fault.New(codes.Unavailable, "outcome_unknown", "the provider does not answer")
	for name, c := range map[string]struct {
		status order.Status
		u      undoing
		want   string
		calls  int
	}{
		"undone":                   {order.Cancelling, undoing{payment: refunded, reservation: released}, "", 2},
		"the provider is silent":   {order.Cancelling, undoing{paymentErr: trouble}, "outcome_unknown", 1},
		"stock cannot be released": {order.Cancelling, undoing{payment: voided, stockErr: fault.New(codes.Unavailable, "", "no")}, "", 2},
		"still charged":            {order.Cancelling, undoing{payment: charged, reservation: released}, "no_evidence", 2},
		"still held":               {order.Cancelling, undoing{payment: voided, reservation: held}, "no_evidence", 2},
		"closed before":            {order.Cancelled, undoing{}, "", 0},
		"placed":                   {order.Placed, undoing{}, "not_cancelling", 0},
		"confirmed":                {order.Confirmed, undoing{}, "already_confirmed", 0},
	} {
		w := newWorld(t)
		id := w.in(c.status).ID
		o, err := w.operating(&c.u).Close(t.Context(), id, by(""))
		if fault.Reason(err) != c.want || len(c.u.calls) != c.calls {
			t.Errorf("%s: %v after %v, want %q after %d steps", name, err, c.u.calls, c.want, c.calls)
		}
		if name == "stock cannot be released" && (err == nil || !strings.Contains(err.Error(), "its stock stands in the way")) {
			t.Errorf("%s: %v, want what stands in the way", name, err)
		}
		if name == "undone" {
			last := o.Journal.Entries[2].Event.(*eventv1.OrderCancelled)
			same(t, "who closed it", "olga: a ticket", last.GetBy()+": "+last.GetNote())
		}
		if status, _ := w.get(id).Status(); err != nil && status != c.status {
			t.Errorf("%s: it is %s all the same", name, status)
		}
	}
}

func TestAnActNeedsAReasonANameAndSometimesAKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place("key").ID
	op := w.operating(&undoing{})
	for name, c := range map[string]struct {
		act   order.Act
		keyed string
		want  string
	}{
		"nobody":         {order.Act{Note: "why", Key: "k"}, "no_operator", "no_operator"},
		"no reason":      {order.Act{By: "olga", Key: "k"}, "invalid_request", "invalid_request"},
		"a blank reason": {order.Act{By: "olga", Note: "  ", Key: "k"}, "invalid_request", "invalid_request"},
		"a long reason":  {order.Act{By: "olga", Note: strings.Repeat("é", 501), Key: "k"}, "invalid_request", "invalid_request"},
		"control":        {order.Act{By: "olga", Note: "a\x00b", Key: "k"}, "invalid_request", "invalid_request"},
		"no key":         {order.Act{By: "olga", Note: "why"}, "invalid_request", ""},
		"a key of paths": {order.Act{By: "olga", Note: "why", Key: "../x"}, "invalid_request", ""},
		"a long key":     {order.Act{By: "olga", Note: "why", Key: strings.Repeat("k", 65)}, "invalid_request", ""},
	} {
		_, err := op.Retry(t.Context(), id, c.act)
		wantReason(t, "retry: "+name, c.keyed, err)
		_, err = op.Refund(t.Context(), id, nil, c.act)
		wantReason(t, "refund: "+name, c.keyed, err)
		if c.want != "" {
			_, err = op.Cancel(t.Context(), id, c.act)
			wantReason(t, "cancel: "+name, c.want, err)
			_, err = op.Close(t.Context(), id, c.act)
			wantReason(t, "close: "+name, c.want, err)
		}
	}
	same(t, "journal entries", 1, len(w.get(id).Journal.Entries))
}

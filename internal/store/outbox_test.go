package store_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestEventIsPublishedBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	trace := telemetry.Continue("", "request-1")
	o := placed("o1", moment)
	if err := s.Create(telemetry.WithTrace(t.Context(), trace), o); err != nil {
		t.Fatal(err)
	}
	same(t, "published", []event.Event{{
		ID: "orders/o1/1", Type: "orderflow.event.v1.OrderCreated", Source: "//orderflow.dev/orders", Subject: "o1", Seq: 1,
		Time: moment, Traceparent: trace.Traceparent(), RequestID: "request-1", Data: o.Created(),
	}}, p.got)
	wantMark(t, db, "orders/o1", 0, true) // the next writer advances it
}

func TestFailedPublishIsNoErrorAndIsLeftToTheSweep(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	p.fail = always
	create(t, s, placed("o1", moment))
	update(t, s, "o1", confirm)
	wantMark(t, db, "orders/o1", 0, true)
	p.fail = nil
	if n := sweep(t, db, p, "orders"); n != 1 {
		t.Errorf("the sweep found %d journals, want 1", n)
	}
	same(t, "published by the sweep", []string{"orders/o1/1", "orders/o1/2"}, p.ids())
	wantMark(t, db, "orders/o1", 2, false)
	if n := sweep(t, db, p, "orders"); n != 0 {
		t.Errorf("a second sweep found %d journals, want none", n)
	}
}

func TestSweepThatCannotPublishLeavesTheMark(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	p.fail = always
	create(t, s, placed("o1", moment))
	sweepInVain(t, db, p, "orders")
	wantMark(t, db, "orders/o1", 0, true)
}

func TestWriterAtWorkIsNotSwept(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	create(t, s, placed("o1", moment))
	p.ids()
	swept, err := store.Sweep(t.Context(), db, p, "orders", moment.Add(time.Minute-2*time.Microsecond), time.Minute)
	if swept != (store.Swept{}) || err != nil || len(p.ids()) > 0 {
		t.Errorf("within the grace the sweep did %+v, %v", swept, err)
	}
}

func TestMarkAdvancesOnlyByEvidence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		evidence int64
		want     []string
		mark     int64
	}{
		"none: everything above the mark again":  {0, []string{"orders/o1/1", "orders/o1/2"}, 0},
		"of the first event":                     {1, []string{"orders/o1/2"}, 1},
		"of an event that never was: like none":  {2, []string{"orders/o1/1", "orders/o1/2"}, 0},
		"of less than nothing: like none":        {-1, []string{"orders/o1/1", "orders/o1/2"}, 0},
		"of an event far in the future: as none": {99, []string{"orders/o1/1", "orders/o1/2"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, db, p := orders()
			create(t, s, placed("o1", moment))
			p.ids()
			update(t, s, "o1", func(o *order.Order) error {
				o.Journal.Witness(c.evidence)
				return cancel(o)
			})
			same(t, "published", c.want, p.ids())
			wantMark(t, db, "orders/o1", c.mark, true)
		})
	}
}

func TestLastWriterOfAnOrderWritesTheMark(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	create(t, s, placed("o1", moment))
	update(t, s, "o1", confirm)
	wantMark(t, db, "orders/o1", 2, false)
	if n := sweep(t, db, p, "orders"); n != 0 {
		t.Errorf("the sweep found %d journals, want none", n)
	}
}

func TestWriteWithEvidenceOfEverythingNeedsNoSweep(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	create(t, s, placed("o1", moment))
	p.ids()
	update(t, s, "o1", func(o *order.Order) error {
		o.Journal.Witness(1)
		o.NextAttempt = o.NextAttempt.Add(time.Hour)
		return nil
	})
	same(t, "published", nil, p.ids())
	wantMark(t, db, "orders/o1", 1, false)
}

// A call caused by event 2 is taken as evidence of event 1: so 2 must never be out while 1 is not.
func TestLaterEventIsNotPublishedWhileAnEarlierOneFails(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	p.fail = func(e event.Event) bool { return e.Seq == 1 }
	create(t, s, placed("o1", moment))
	update(t, s, "o1", cancel)
	same(t, "published", nil, p.ids())
	sweepInVain(t, db, p, "orders")
	same(t, "published by a sweep", nil, p.ids())
	p.fail = nil
	sweep(t, db, p, "orders")
	same(t, "published at last", []string{"orders/o1/1", "orders/o1/2"}, p.ids())
}

func TestCrashBetweenCommitAndPublishIsSwept(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	db.After = func(op string, _ []store.Write) error {
		if op == "commit" {
			return memory.ErrDeadline
		}
		return nil
	}
	if err := s.Create(t.Context(), placed("o1", moment)); !errors.Is(err, memory.ErrDeadline) {
		t.Fatalf("create answers %v", err)
	}
	db.After = nil
	same(t, "published", nil, p.ids())
	sweep(t, db, p, "orders")
	same(t, "published by the sweep", []string{"orders/o1/1"}, p.ids())
}

func TestMarkThatIsNotWrittenIsNoError(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]func(*memory.Database, memory.Hook){
		"before": func(db *memory.Database, h memory.Hook) { db.Before = h },
		"after":  func(db *memory.Database, h memory.Hook) { db.After = h },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, db, p := orders()
			create(t, s, placed("o1", moment))
			hook(db, func(op string, writes []store.Write) error {
				if isMark(writes) {
					return memory.ErrUnavailable
				}
				return nil
			})
			update(t, s, "o1", confirm)
			db.Before, db.After = nil, nil
			sweep(t, db, p, "orders")
			wantMark(t, db, "orders/o1", 2, false)
		})
	}
}

// An event appended between a publish and its mark, by a writer whose own publish fails, stays findable.
func TestMarkNeverHidesAnEventAppendedMeanwhile(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(*testing.T, *store.Payments, *memory.Database, *publisher){
		"the mark of a writer": func(t *testing.T, s *store.Payments, _ *memory.Database, _ *publisher) { charge(t, s, "o1") },
		"the mark of a sweep": func(t *testing.T, s *store.Payments, db *memory.Database, p *publisher) {
			p.fail = always
			charge(t, s, "o1")
			p.fail = nil
			sweep(t, db, p, "payments")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, db, p := payments()
			met := false
			db.Before = func(op string, writes []store.Write) error {
				if isMark(writes) && !met {
					met = true
					p.fail = always
					refund(t, s, "o1")
					p.fail = nil
				}
				return nil
			}
			first(t, s, db, p)
			if !met {
				t.Fatal("no mark was written")
			}
			p.ids()
			wantMark(t, db, "payments/o1", 0, true)
			sweep(t, db, p, "payments")
			same(t, "published by the sweep", []string{"payments/o1/1", "payments/o1/2"}, p.ids())
			wantMark(t, db, "payments/o1", 2, false)
		})
	}
}

func TestMarkNeverGoesBack(t *testing.T) {
	t.Parallel()
	s, db, p := payments()
	charged := charge(t, s, "o1")
	wantMark(t, db, "payments/o1", 1, false)
	p.ids()
	if _, err := s.Update(t.Context(), charged, refunded); err != nil { // as it was answered, not read again
		t.Fatal(err)
	}
	same(t, "published", []string{"payments/o1/2"}, p.ids())
	wantMark(t, db, "payments/o1", 2, false)
}

func TestOneJournalThatCannotBeReadKeepsTheSweepFromNoOther(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	p.fail = always
	for i := range 8 {
		create(t, s, placed(idOf(i), moment))
	}
	for shard := range int64(4) {
		corrupt(t, db, "orders/"+idOf(100+int(shard)), store.Fields{"published": int64(0), "unpublished_shard": shard, "unpublished_time": moment.Add(-time.Hour)})
	}
	p.fail = nil
	swept, err := store.Sweep(t.Context(), db, p, "orders", moment.Add(time.Minute), time.Minute)
	if swept.Found != 12 || swept.Unpublished.Round(time.Second) != 61*time.Minute || fault.Code(err) == codes.OK {
		t.Errorf("the sweep answers %+v, %v, want 12, an hour and a minute, and an error", swept, err)
	}
	if got := p.ids(); len(got) != 8 {
		t.Errorf("published %v, want 8 events", got)
	}
}

func payments() (*store.Payments, *memory.Database, *publisher) {
	db, p := &memory.Database{}, &publisher{}
	return store.NewPayments(db, p, clock), db, p
}

// charge makes a payment that is charged: one event.
func charge(t *testing.T, s *store.Payments, id string) *payment.Payment {
	t.Helper()
	intent := &payment.Payment{OrderID: id, State: payment.Charging, Amount: gbp(10), Method: "pm_approve", CreateTime: moment}
	if err := s.Create(t.Context(), intent); err != nil {
		t.Fatal(err)
	}
	charged, err := s.Update(t.Context(), intent, func(p *payment.Payment) error {
		p.State, p.ChargeID = payment.Charged, "ch_1"
		p.Journal.Append(paid(p), false)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return charged
}

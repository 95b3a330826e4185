package promise_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/promise"
)

func TestHistoriesWithoutBugsKeepEveryPromise(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, *past){
		"nothing at all":              func(w *world, h *past) { *w, *h = world{}, past{} },
		"every ending":                func(*world, *past) {},
		"a replay of nothing":         func(w *world, h *past) { *w, *h = world{}, past{Replay: &promise.Replay{}} },
		"never stocked":               func(_ *world, h *past) { h.Levels = nil },
		"asked before it was stocked": func(_ *world, h *past) { h.Levels[0].At, h.Levels[2].Available = when(100*ms+1), 50 },
		"short as it was asked":       func(_ *world, h *past) { h.Refusals[0].Asked = when(300 * ms) },
		"short as it was decided":     func(_ *world, h *past) { h.Refusals[0].Decided = when(300 * ms) },
		"trouble of our own":          func(_ *world, h *past) { answerOfStatus(h, 503).Status = 500 },
		"another request unanswered": func(_ *world, h *past) {
			first := answerOf(h, "free")
			first.Status, first.OrderID, first.Body = 0, "", ""
			h.Answers = append(h.Answers, answered("free", 400, "idempotency_key_reused", time.Second, 2*time.Second))
			h.Answers[len(h.Answers)-1].Request = "3 mugs"
		},
		"a commit seen twice": func(_ *world, h *past) {
			again := h.Committed[0]
			again.At = later
			h.Committed = append([]promise.Happened{again}, h.Committed...)
			h.Committed = append(h.Committed, again)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := lived(t)
			change(&w, &h)
			if diff := cmp.Diff(map[string][]promise.Violation{}, violations(promise.CheckHistory(w, h))); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheWorldOfAHistoryIsGood: what is seeded in it is the only thing that is wrong.
func TestTheWorldOfAHistoryIsGood(t *testing.T) {
	t.Parallel()
	w, _ := lived(t)
	if diff := cmp.Diff(map[string][]promise.Violation{}, violations(promise.Check(w, later, true))); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestViolationsOfAHistoryNameTheOrderAndWhy(t *testing.T) {
	t.Parallel()
	w, h := lived(t)
	id, paid := idOf("confirmed"), eventOf("payments", "confirmed", 1)
	without(&h.Committed, func(e promise.Happened) bool { return e.EventID == paid })
	h.Replay.After["orders/"+id] = ""
	h.Parked = append(h.Parked, promise.Letter{Consumer: "notify-customer", EventID: "orders/strange"}, promise.Letter{Consumer: "notify-customer", EventID: "a/b/c"})
	want := map[string][]promise.Violation{
		promise.EventsFollowCommits: {
			{OrderID: id, Why: paid + " is in a journal and was never committed"},
			{OrderID: id, Why: paid + " was published and never committed"},
		},
		promise.ReplayChangesNothing: {{OrderID: id, Why: "orders/" + id + " is another after the replay"}},
		promise.PoisonIsParked: {
			{Why: "orders/strange is parked for notify-customer, which could handle it"},
			{Why: "a/b/c is parked for notify-customer, which could handle it"},
		},
	}
	if diff := cmp.Diff(want, violations(promise.CheckHistory(w, h))); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func answerOfStatus(h *past, status int) *promise.Answer {
	for i := range h.Answers {
		if h.Answers[i].Status == status {
			return &h.Answers[i]
		}
	}
	return nil
}

// TestWhatCannotBeReadIsNotMissing: journal-is-legal tells of it, and nothing else does.
func TestWhatCannotBeReadIsNotMissing(t *testing.T) {
	t.Parallel()
	w, h := lived(t)
	for _, o := range w.Orders {
		w.Unreadable = append(w.Unreadable, promise.Unreadable{Path: "orders/" + o.ID}, promise.Unreadable{Path: "payments/" + o.ID})
	}
	w.Orders, w.Payments = nil, nil
	if diff := cmp.Diff(map[string][]promise.Violation{}, violations(promise.CheckHistory(w, h))); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestVerdictsOnAHistorySayWhatWasChecked(t *testing.T) {
	t.Parallel()
	w, h := lived(t)
	got := map[string]int{}
	for _, v := range promise.CheckHistory(w, h) {
		got[v.Promise] = v.Checked
	}
	want := map[string]int{
		promise.SameKeySameAnswer: 7, promise.RefusedOnlyWhenShort: 1, promise.ReadsSeeAnswers: 9, promise.EventsFollowCommits: 34,
		promise.ToldOnce: 8, promise.PoisonIsParked: 5, promise.UndoneOnce: 4, promise.CancellationWasAsked: 2, promise.ReplayChangesNothing: 2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checked (-want +got):\n%s", diff)
	}
	for _, v := range promise.CheckHistory(w, past{}) {
		if v.Promise == promise.ReplayChangesNothing && (v.Checked != 0 || v.Note == "") {
			t.Errorf("nothing was replayed, and %d documents are checked, note %q", v.Checked, v.Note)
		}
	}
}

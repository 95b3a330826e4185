package notification_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/notification"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// world is the notification room over a store in memory, a sender and a clock.
type world struct {
	db *memory.Database

	mu   sync.Mutex
	now  time.Time
	sent []notification.Message
	fail error
	then func() // while it sends
}

func newWorld() *world {
	return &world{db: &memory.Database{}, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Send implements notification.Sender.
func (w *world) Send(_ context.Context, m notification.Message) error {
	w.mu.Lock()
	if w.fail == nil {
		w.sent = append(w.sent, m)
	}
	err, then := w.fail, w.then
	w.mu.Unlock()
	if then != nil {
		then()
	}
	return err
}

var confirmed = &eventv1.OrderConfirmed{OrderId: "o1", Seq: 2, CustomerId: "c1", Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1205}}

func (w *world) notifying() notification.Notifying {
	return notification.Notifying{Records: store.NewNotifications(w.db), Sender: w, Now: w.clock}
}

func (w *world) notify(t *testing.T) error {
	t.Helper()
	return w.notifying().Confirmed(t.Context(), confirmed)
}

func (w *world) wantSent(t *testing.T, n int) {
	t.Helper()
	if len(w.sent) != n {
		t.Errorf("%d messages were sent, want %d", len(w.sent), n)
	}
}

// wantSentAfterTheClaim: nobody sends while a claim may still be at work, and then one does.
func (w *world) wantSentAfterTheClaim(t *testing.T) {
	t.Helper()
	if err := w.notify(t); fault.Code(err) != codes.Aborted {
		t.Errorf("within the claim: error %v", err)
	}
	w.pass(30 * time.Second)
	if err := w.notify(t); err != nil {
		t.Errorf("after it: %v", err)
	}
	w.wantSent(t, 1)
}

func TestMessagesSayWhatHappenedUnderAStableID(t *testing.T) {
	t.Parallel()
	cancelled := func(reason string) func(notification.Notifying) error {
		return func(n notification.Notifying) error {
			return n.Cancelled(context.Background(), &eventv1.OrderCancelled{OrderId: "o1", CustomerId: "c1", Total: confirmed.Total, Reason: reason})
		}
	}
	for name, c := range map[string]struct {
		notify func(notification.Notifying) error
		id     string
		says   []string
	}{
		"confirmed":    {func(n notification.Notifying) error { return n.Confirmed(context.Background(), confirmed) }, "o1.confirmed@orderflow.dev", []string{"o1", "GBP 12.05"}},
		"out of stock": {cancelled("out_of_stock"), "o1.cancelled@orderflow.dev", []string{"o1", "GBP 12.05", "out of stock"}},
		"declined":     {cancelled("declined"), "o1.cancelled@orderflow.dev", []string{"declined"}},
		"by customer":  {cancelled("cancelled"), "o1.cancelled@orderflow.dev", []string{"you asked us to"}},
		"expired":      {cancelled("expired"), "o1.cancelled@orderflow.dev", []string{"not paid in time"}},
		"by operator":  {cancelled("operator"), "o1.cancelled@orderflow.dev", []string{"could not fulfil"}},
	} {
		w := newWorld()
		if err := c.notify(w.notifying()); err != nil {
			t.Fatal(err)
		}
		m := w.sent[0]
		if m.ID != c.id || m.OrderID != "o1" || m.CustomerID != "c1" || m.Subject == "" {
			t.Errorf("%s: sent %+v", name, m)
		}
		for _, s := range c.says {
			if !strings.Contains(m.Body, s) {
				t.Errorf("%s: the message does not say %q: %s", name, s, m.Body)
			}
		}
	}
}

func TestEventDeliveredAgainSendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	for range 3 {
		if err := w.notify(t); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Hour)
	}
	w.wantSent(t, 1)
}

func TestWhileOneSendsAnotherIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.then = func() {
		w.then = nil
		if err := w.notify(t); !errors.Is(err, notification.ErrConflict) {
			t.Errorf("another was told %v", err)
		}
	}
	if err := w.notify(t); err != nil {
		t.Fatal(err)
	}
	w.wantSent(t, 1)
}

func TestSendThatIsKnownToHaveFailedIsTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = fmt.Errorf("no address: %w", notification.ErrNotSent)
	for range 3 {
		if err := w.notify(t); fault.Code(err) != codes.Unavailable || !errors.Is(err, notification.ErrNotSent) {
			t.Errorf("error %v, want that it was not sent", err)
		}
	}
	w.fail = nil
	for range 2 {
		if err := w.notify(t); err != nil {
			t.Errorf("once it can be sent: %v", err)
		}
	}
	w.wantSent(t, 1)
}

func TestClaimThatCannotBeGivenBackEndsByItself(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = notification.ErrNotSent
	commits := 0
	w.db.Before = func(op string, _ []store.Write) error {
		if op == "commit" {
			if commits++; commits == 2 {
				return memory.ErrUnavailable
			}
		}
		return nil
	}
	if err := w.notify(t); !errors.Is(err, notification.ErrNotSent) {
		t.Errorf("error %v, want why it was not sent", err)
	}
	w.fail = nil
	w.wantSentAfterTheClaim(t)
}

// A sender that was so slow that another took over gives nothing back: the other has sent it.
func TestClaimThatAnotherHasIsNotGivenBack(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = notification.ErrNotSent
	w.then = func() {
		w.then, w.fail = nil, nil
		w.pass(30 * time.Second)
		if err := w.notify(t); err != nil {
			t.Errorf("the other: %v", err)
		}
	}
	if err := w.notify(t); !errors.Is(err, notification.ErrNotSent) {
		t.Errorf("error %v, want why it was not sent", err)
	}
	if err := w.notify(t); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	w.wantSent(t, 1)
}

func TestSendWhoseOutcomeIsUnknownKeepsItsClaim(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = errors.New("mail server away") // perhaps after it took the message
	if err := w.notify(t); fault.Code(err) != codes.Unavailable {
		t.Errorf("error %v", err)
	}
	w.fail = nil
	w.wantSentAfterTheClaim(t)
}

func TestClaimIsTakenOverByOneOnly(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = errors.New("crash")
	_ = w.notify(t)
	w.fail = nil
	w.pass(time.Minute)
	met := false
	w.db.Before = func(op string, writes []store.Write) error {
		if op == "commit" && !writes[0].As.IsZero() && !met {
			met = true
			if err := w.notify(t); err != nil {
				t.Errorf("the other: %v", err)
			}
		}
		return nil
	}
	if err := w.notify(t); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
	w.wantSent(t, 1)
}

// Whatever commit fails or loses its answer, the message goes out; twice only if the record of it was lost.
func TestMessageGoesOutWhateverIsLostOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n     int
		after bool
		sent  int
	}{
		"the claim is not made": {0, false, 1}, "the claim's answer is lost": {0, true, 1},
		"the record is not made": {1, false, 2}, "the record's answer is lost": {1, true, 1},
	} {
		w := newWorld()
		left := c.n
		hook := func(op string, _ []store.Write) error {
			if op == "commit" {
				if left--; left == -1 {
					return memory.ErrUnavailable
				}
			}
			return nil
		}
		if c.after {
			w.db.After = hook
		} else {
			w.db.Before = hook
		}
		if err := w.notify(t); !errors.Is(err, memory.ErrUnavailable) {
			t.Errorf("%s: error %v", name, err)
		}
		w.pass(time.Minute)
		if err := w.notify(t); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
		if len(w.sent) != c.sent {
			t.Errorf("%s: sent %d times, want %d", name, len(w.sent), c.sent)
		}
	}
}

func TestStoreThatIsAwaySendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
	if err := w.notify(t); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	w.wantSent(t, 0)
}

func TestFileIsAMessageThatMailReadersRead(t *testing.T) {
	t.Parallel()
	files := notification.Files{Dir: filepath.Join(t.TempDir(), "new")}
	for _, body := range []string{"first\n", "second\nline\n"} { // the same message again replaces its file
		m := notification.Message{ID: "o1.confirmed@orderflow.dev", CustomerID: "c1", Subject: "S", Body: body}
		if err := files.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(files.Dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("files %v, %v, want one", entries, err)
	}
	f, err := os.Open(filepath.Join(files.Dir, entries[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mail.ReadMessage(f)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil || m.Header.Get("Message-ID") != "<o1.confirmed@orderflow.dev>" || string(body) != "second\r\nline\r\n" {
		t.Errorf("message %v, body %q, %v", m.Header, body, err)
	}
	if _, err := m.Header.AddressList("To"); err != nil {
		t.Errorf("to: %v", err)
	}
	if err := (notification.Files{Dir: filepath.Join(files.Dir, entries[0].Name())}).Send(t.Context(), notification.Message{}); !errors.Is(err, notification.ErrNotSent) {
		t.Errorf("a message that cannot be written: %v, want that it was not sent", err)
	}
}

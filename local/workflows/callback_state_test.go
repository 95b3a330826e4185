package workflows

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// lives is an execution's callbacks over several lives of the engine: what was noted, and what steps took.
type lives struct {
	now   *callbacks
	notes [][]byte
	taken []any
	queue []string // bodies that wait, as they should be
	sent  int
}

func (l *lives) begin(t *rapid.T) {
	l.now = &callbacks{}
	for _, note := range l.notes {
		if err := l.now.restore(note); err != nil {
			t.Fatal(err)
		}
	}
	l.now.open("c", "POST")
	for _, v := range l.taken {
		l.now.drop("c", v)
	}
	l.now.note = func(record []byte) { l.notes = append(l.notes, slices.Clone(record)) }
}

func bodyOf(v any) any { return v.(map[string]any)["http_request"].(map[string]any)["body"] }

// TestCallbacksSurviveRestarts: whatever comes, is taken and breaks off, each request is taken once and in order.
func TestCallbacksSurviveRestarts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := &lives{}
		l.begin(t)
		impatient := func(context.Context) error { return nil }
		t.Repeat(map[string]func(*rapid.T){
			"receive": func(t *rapid.T) {
				l.sent++
				body := fmt.Sprint(l.sent % 3) // some are alike
				r := &received{Callback: "c", Method: "POST", URL: "/x?a=b", Body: []byte(body), Time: time.Unix(int64(l.sent), 5), Header: http.Header{"Content-Type": {"text/plain"}}}
				if err := l.now.receive(r); err != nil {
					t.Fatal(err)
				}
				l.queue = append(l.queue, body)
			},
			"take": func(t *rapid.T) {
				r, err := l.now.take(context.Background(), "c", impatient)
				if err != nil {
					t.Fatal(err)
				}
				if len(l.queue) == 0 {
					if r != nil {
						t.Fatalf("took %s of none", r.Body)
					}
					return
				}
				if r == nil || bodyOf(r.value()) != l.queue[0] {
					t.Fatalf("took %v, want %s", r, l.queue[0])
				}
				l.taken, l.queue = append(l.taken, r.value()), l.queue[1:]
			},
			"restart": l.begin,
			"": func(t *rapid.T) {
				view := l.now.list()
				if len(view) != 1 || view[0].Waiters != 0 || len(view[0].AvailablePayloads) != len(l.queue) {
					t.Fatalf("list %+v, want %d payloads", view, len(l.queue))
				}
			},
		})
	})
}

func TestAWaiterGetsWhatCameLastMoment(t *testing.T) {
	t.Parallel()
	c := &callbacks{}
	c.open("c", "POST")
	late := &received{Callback: "c", Method: "POST"}
	r, err := c.take(t.Context(), "c", func(ctx context.Context) error {
		if err := c.receive(late); err != nil {
			t.Error(err)
		}
		if cause := context.Cause(ctx); !errors.Is(cause, errArrived) {
			t.Errorf("cause = %v", cause)
		}
		return context.Cause(ctx)
	})
	if r != late || err != nil {
		t.Errorf("took %v, %v", r, err)
	}
	if view := c.list(); view[0].Waiters != 0 || len(view[0].AvailablePayloads) != 0 {
		t.Errorf("left %+v", view)
	}
}

func TestTheStepThatWaitsLongestIsServedFirst(t *testing.T) {
	t.Parallel()
	c := &callbacks{}
	c.open("c", "POST")
	send := func(body string) {
		if err := c.receive(&received{Callback: "c", Method: "POST", Body: []byte(body), Header: http.Header{"Content-Type": {"text/plain"}}}); err != nil {
			t.Error(err)
		}
	}
	first, err := c.take(t.Context(), "c", func(context.Context) error {
		second, err := c.take(t.Context(), "c", func(context.Context) error {
			if n := c.list()[0].Waiters; n != 2 {
				t.Errorf("%d waiters, want 2", n)
			}
			send("1")
			send("2")
			return nil
		})
		if err != nil || string(second.Body) != "2" {
			t.Errorf("second took %v, %v", second, err)
		}
		return nil
	})
	if err != nil || string(first.Body) != "1" {
		t.Errorf("first took %v, %v", first, err)
	}
}

func TestARestoredRequestWaitsForItsEndpoint(t *testing.T) {
	t.Parallel()
	c := &callbacks{}
	if err := c.restore((&received{Callback: "c", Method: "POST"}).encode()); err != nil {
		t.Fatal(err)
	}
	if len(c.list()) != 0 {
		t.Error("an endpoint is listed before it is opened")
	}
	if err := c.receive(&received{Callback: "c", Method: "POST"}); err == nil {
		t.Error("an endpoint takes requests before it is opened")
	}
	if _, err := c.take(t.Context(), "c", nil); err == nil {
		t.Error("an endpoint gives requests before it is opened")
	}
	if err := c.restore([]byte("{")); err == nil {
		t.Error("a broken record is restored")
	}
}

package archive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/event"
)

// events are n events of each of some orders, by publish time.
func events(orders, n int) []archive.Event {
	s := &archive.Selection{Window: archive.Window{From: noon, To: noon.Add(time.Hour)}}
	for seq := range n {
		for o := range orders {
			s.Add(topic, published(fmt.Sprint("order-", o), int64(seq+1), time.Duration(seq*orders+o)*time.Second))
		}
	}
	return s.Events()
}

// bus takes messages, each order's in its order.
type bus struct {
	mu    sync.Mutex
	taken map[string][]string // ce-seq by order
	last  event.Message
	fail  func(event.Message) error
}

func (b *bus) publish(_ context.Context, m event.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(m); err != nil {
			return err
		}
	}
	if b.taken == nil {
		b.taken = map[string][]string{}
	}
	order := m.Attributes["ce-subject"]
	b.taken[order] = append(b.taken[order], m.Attributes["ce-seq"])
	b.last = m
	return nil
}

func TestEventsOfAnOrderArePublishedInTheirOrder(t *testing.T) {
	t.Parallel()
	var b bus
	done := 0
	p := archive.Republishing{Publish: b.publish, Replay: "r", Function: "f", Rate: 1e6, Done: func(archive.Event) { done++ }}
	all := events(40, 5)
	if from, err := p.Run(t.Context(), all); err != nil || !from.IsZero() || done != len(all) {
		t.Fatalf("%d of %d, from %s, error %v", done, len(all), from, err)
	}
	for order, seqs := range b.taken {
		if got := strings.Join(seqs, " "); got != "1 2 3 4 5" {
			t.Errorf("%s was published as %s", order, got)
		}
	}
	if len(b.taken) != 40 || b.last.Attributes["ce-replay"] != "r" || b.last.Attributes["ce-replayfor"] != "f" {
		t.Errorf("%d orders, the last as %v", len(b.taken), b.last.Attributes)
	}
	if _, kept := all[0].Message.Attributes["ce-replay"]; kept {
		t.Error("the selection itself was changed")
	}
}

func TestTroubleIsTriedAgainAndThenSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := bus{fail: func(event.Message) func(event.Message) error {
			tries := 0
			return func(m event.Message) error {
				if tries++; tries == 1 {
					return errors.New("unavailable")
				}
				if m.Attributes["ce-id"] == "orders/order-1/3" {
					return errors.New("refused")
				}
				return nil
			}
		}(event.Message{})}
		done := map[string]bool{}
		p := archive.Republishing{Publish: b.publish, Replay: "r", Rate: 1e6, Done: func(e archive.Event) { done[e.ID()] = true }}
		all := events(3, 4)
		from, err := p.Run(t.Context(), all)
		if err == nil || !strings.Contains(err.Error(), "publish orders/order-1/3 again: refused") {
			t.Fatalf("error %v", err)
		}
		for _, e := range all {
			if !done[e.ID()] && e.PublishTime.Before(from) {
				t.Errorf("%s was not published, and going on from %s would leave it out", e.ID(), from)
			}
		}
		if done["orders/order-1/4"] {
			t.Error("an event was published though the one before it was not")
		}
	})
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bus
		began := time.Now()
		p := archive.Republishing{Publish: b.publish, Replay: "r", Rate: 10, Done: func(archive.Event) {}}
		if _, err := p.Run(t.Context(), events(10, 5)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began).Round(10 * time.Millisecond); took != 4900*time.Millisecond {
			t.Errorf("50 events at 10 a second took %s, want 4.9s", took)
		}
	})
}

func TestAReplayThatIsInterruptedEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b bus
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		n := 0
		p := archive.Republishing{Publish: b.publish, Replay: "r", Rate: 10, Done: func(archive.Event) { n++ }}
		from, err := p.Run(ctx, events(10, 5))
		if err == nil || from.IsZero() || n == 0 || n == 50 {
			t.Errorf("%d events, from %s, error %v", n, from, err)
		}
	})
}

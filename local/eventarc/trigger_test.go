package eventarc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/local/eventarc"
)

// source is one whose events are put in by the test.
type source struct {
	events chan eventarc.Event
	mu     sync.Mutex
	done   []string
	fails  error
}

func newSource(ids ...string) *source {
	s := &source{events: make(chan eventarc.Event, 1000)}
	for _, id := range ids {
		s.events <- eventarc.Event{ID: id, Time: time.Now(), Data: []byte(id), Attributes: map[string]string{"ce-id": id, "ce-type": "t"}}
	}
	return s
}

func (s *source) Next(ctx context.Context) (eventarc.Event, error) {
	select {
	case e := <-s.events:
		return e, s.fails
	case <-ctx.Done():
		return eventarc.Event{}, ctx.Err()
	}
}

func (s *source) Done(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = append(s.done, id)
	return nil
}

func (s *source) finished() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.done)
}

// endpoint answers without a network.
type endpoint func(*http.Request) (int, error)

func (f endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	status, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// trigger runs one until stop, which answers RunTriggers' error.
func trigger(t eventarc.Trigger, f endpoint) (deliveries func() []eventarc.Delivery, stop func() error) {
	var (
		mu  sync.Mutex
		all []eventarc.Delivery
	)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	t.Name, t.Endpoint = "plan", "http://plan"
	go func() {
		done <- eventarc.RunTriggers(ctx, []eventarc.Trigger{t}, eventarc.Options{HTTP: &http.Client{Transport: f}, OnDelivery: func(d eventarc.Delivery) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d)
		}})
	}()
	deliveries = func() []eventarc.Delivery { mu.Lock(); defer mu.Unlock(); return append([]eventarc.Delivery{}, all...) }
	return deliveries, func() error { cancel(); return <-done }
}

func TestTriggerTriesAgainLaterAndLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		s := newSource("e")
		deliveries, stop := trigger(eventarc.Trigger{Source: s}, func(*http.Request) (int, error) {
			if at = append(at, time.Now()); len(at) == 3 {
				return 0, errors.New("no answer")
			}
			return map[bool]int{true: 200, false: 503}[len(at) == 8], nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := 1; i < len(at); i++ {
			most := min(time.Second<<(i-1), 10*time.Second)
			if pause := at[i].Sub(at[i-1]); pause < most/2 || pause > most {
				t.Errorf("pause %d is %s, want %s to %s", i, pause, most/2, most)
			}
		}
		all := deliveries()
		if len(all) != 8 || s.finished() != 1 || all[7].Attempt != 8 || all[7].Err != nil || all[0].Status != 503 || all[0].Type != "t" || all[2].Status != 0 {
			t.Errorf("deliveries %+v, %d done", all, s.finished())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestTriggerGivesUpAfterADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSource("e")
		deliveries, stop := trigger(eventarc.Trigger{Source: s}, func(*http.Request) (int, error) { return 404, nil })
		time.Sleep(24*time.Hour - time.Minute)
		if s.finished() != 0 {
			t.Error("given up within a day")
		}
		time.Sleep(2 * time.Minute)
		all := deliveries()
		if last := all[len(all)-1]; s.finished() != 1 || last.Err == nil || !strings.Contains(last.Err.Error(), "given up after 24h0m0s") {
			t.Errorf("last delivery %+v", last)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestTriggersThatFailLeaveRoom: a pause takes no slot, so events that fail do not keep others waiting.
func TestTriggersThatFailLeaveRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 50 {
			ids = append(ids, fmt.Sprint(i))
		}
		s := newSource(ids...)
		var (
			mu           sync.Mutex
			active, most int
		)
		_, stop := trigger(eventarc.Trigger{Source: s, Concurrency: 3}, func(r *http.Request) (int, error) {
			mu.Lock()
			active++
			most = max(most, active)
			mu.Unlock()
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			active--
			return map[bool]int{true: 500, false: 200}[len(r.Header.Get("ce-id")) == 1], nil // 0 to 9 always fail
		})
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		if s.finished() != 40 || most != 3 {
			t.Errorf("%d of 40 done, %d at once, want 3", s.finished(), most)
		}
		if err := stop(); err != nil || s.finished() != 40 {
			t.Errorf("%d done, error %v", s.finished(), err)
		}
	})
}

func TestTriggerFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSource("e")
		_, stop := trigger(eventarc.Trigger{Source: s}, func(r *http.Request) (int, error) {
			select {
			case <-time.After(5 * time.Second):
				return 200, nil
			case <-r.Context().Done():
				return 0, r.Context().Err()
			}
		})
		time.Sleep(time.Second)
		if err := stop(); err != nil || s.finished() != 1 {
			t.Errorf("%d done, error %v", s.finished(), err)
		}
	})
}

func TestTriggerTroubleOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSource("e")
		no := errors.New("no token")
		deliveries, stop := trigger(eventarc.Trigger{Source: s, Timeout: time.Second, Token: func(context.Context, string) (string, error) { return "", no }},
			func(*http.Request) (int, error) { return 200, nil })
		time.Sleep(500 * time.Millisecond)
		if all := deliveries(); len(all) != 1 || !errors.Is(all[0].Err, no) || s.finished() != 0 {
			t.Errorf("deliveries %+v", all)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		s = newSource("e")
		s.fails = errors.New("no journal")
		_, stop = trigger(eventarc.Trigger{Source: s}, func(*http.Request) (int, error) { return 200, nil })
		synctest.Wait()
		if err := stop(); !errors.Is(err, s.fails) {
			t.Errorf("error %v, want that of the source", err)
		}
		s = newSource("e")
		deliveries, stop = trigger(eventarc.Trigger{Source: s, Timeout: time.Second}, func(r *http.Request) (int, error) { <-r.Context().Done(); return 0, r.Context().Err() })
		time.Sleep(1500 * time.Millisecond)
		if all := deliveries(); len(all) != 1 || !strings.Contains(all[0].Err.Error(), "no answer within the ack deadline of 1s") {
			t.Errorf("deliveries %+v", all)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

package inventory_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

// listener decides what becomes of a catalogue's listener.
type listener struct {
	mu     sync.Mutex
	silent chan struct{} // not nil: it says nothing until this is closed
	err    error         // not nil: it fails
}

func (l *listener) hook(op string, _ []store.Write) error {
	if op != "watch" {
		return nil
	}
	l.mu.Lock()
	silent, err := l.silent, l.err
	l.mu.Unlock()
	if silent != nil {
		<-silent
	}
	return err
}

// silence makes the listener silent; the answer makes it speak again.
func (l *listener) silence() (speak func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	silent := make(chan struct{})
	l.silent = silent
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.silent = nil
		close(silent)
	}
}

func (l *listener) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// catalogued runs a test with a catalogue whose listener runs.
func catalogued(t *testing.T, f func(t *testing.T, w *world, c *inventory.Catalogue, l *listener)) {
	bubble(t, func(t *testing.T, w *world) {
		l := &listener{}
		w.db.Before = l.hook
		c := inventory.NewCatalogue(w.items, time.Now)
		go c.Run(t.Context(), func(error) {})
		f(t, w, c, l)
	})
}

// quoted is a quote in short: "X=5 Y=7 unknown Z", or the reason of its refusal.
func quoted(t *testing.T, c *inventory.Catalogue, skus ...string) string {
	known, unknown, err := c.Quote(t.Context(), skus)
	if err != nil {
		return fault.Code(err).String() + " " + fault.Reason(err)
	}
	var out []string
	for _, i := range known {
		out = append(out, fmt.Sprint(i.SKU, "=", i.UnitPrice.GetMinorUnits()))
	}
	if len(unknown) > 0 {
		out = append(out, "unknown "+strings.Join(unknown, " "))
	}
	return strings.Join(out, " ")
}

const stale = "Unavailable catalogue_stale"

func TestQuoteTellsKnownFromUnknownInTheOrderAsked(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, _ *listener) {
		same(t, "of nothing", "unknown X", quoted(t, c, "X"))
		w.upsert(stated("X", 5, 0), stated("a/b", 7, 0))
		same(t, "quote", "a/b=7 X=5 a/b=7 unknown Z ", quoted(t, c, "a/b", "Z", "X", "", "a/b"))
		many := make([]string, inventory.MaxLines+1)
		if _, _, err := c.Quote(t.Context(), many); fault.Code(err) != codes.InvalidArgument {
			t.Errorf("too many: %v", err)
		}
	})
}

func TestNewItemIsQuotedAtOnce(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, _ *listener) {
		w.upsert(stated("X", 5, 0))
		for i := range 5 { // each within the time for which the one before was compared
			sku := fmt.Sprint("new", i)
			same(t, "before", "X=5 unknown "+sku, quoted(t, c, "X", sku))
			time.Sleep(time.Millisecond)
			w.upsert(stated(sku, 1, 0))
			same(t, "after", "X=5 "+sku+"=1", quoted(t, c, "X", sku))
		}
	})
}

func TestNobodyIsRefusedForWhatASilentListenerHasNotSaid(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		w.upsert(stated("X", 5, 0))
		same(t, "before", "X=5", quoted(t, c, "X"))
		speak := l.silence()
		time.Sleep(time.Millisecond)
		w.upsert(stated("Y", 1, 0), stated("X", 6, 0))
		same(t, "a new item", stale, quoted(t, c, "Y"))
		same(t, "a price that may be old for a while", "X=5", quoted(t, c, "X"))
		time.Sleep(inventory.FreshFor)
		same(t, "a price that is too old", stale, quoted(t, c, "X"))
		speak()
		synctest.Wait()
		same(t, "after", "X=6 Y=1", quoted(t, c, "X", "Y"))
	})
}

func TestQuoteWaitsForAListenerThatIsBehind(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		speak := l.silence()
		w.upsert(stated("X", 5, 0))
		time.AfterFunc(inventory.WaitFor/2, speak)
		same(t, "quote", "X=5", quoted(t, c, "X"))
	})
}

func TestPricesThatCannotBeComparedAreNotGiven(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		w.upsert(stated("X", 5, 0))
		same(t, "before", "X=5", quoted(t, c, "X"))
		w.db.After = func(op string, _ []store.Write) error {
			if op == "get" {
				return memory.ErrUnavailable
			}
			return nil
		}
		same(t, "for a while", "X=5", quoted(t, c, "X"))
		time.Sleep(inventory.FreshFor + time.Nanosecond)
		same(t, "and then", stale, quoted(t, c, "X"))
	})
}

// While the listener is silent everybody is told so in time: they do not wait for one another.
func TestNobodyWaitsLongerThanForOneComparison(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		defer l.silence()()
		w.upsert(stated("X", 5, 0))
		start := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { same(t, "quote", stale, quoted(t, c, "X")) })
		}
		wg.Wait()
		if waited := time.Since(start); waited > inventory.WaitFor {
			t.Errorf("the last waited %v of the bubble's time, want at most %v", waited, inventory.WaitFor)
		}
	})
}

func TestOneComparisonServesAll(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		w.upsert(stated("X", 5, 0))
		gets := 0
		w.db.After = func(op string, _ []store.Write) error {
			if op == "get" {
				gets++ // one at a time
			}
			return nil
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { same(t, "quote", "X=5", quoted(t, c, "X")) })
		}
		wg.Wait()
		same(t, "reads", 1, gets)
	})
}

func TestListenerThatFailedStartsAgainWithEverything(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, l *listener) {
		w.upsert(stated("X", 5, 0), stated("Y", 7, 0), stated("Z", 9, 0))
		same(t, "before", "X=5 Y=7 Z=9", quoted(t, c, "X", "Y", "Z"))
		l.fail(memory.ErrUnavailable)
		w.upsert(stated("X", 6, 0)) // it hears of this and fails
		synctest.Wait()
		w.db.Remove("items/" + base64.RawURLEncoding.EncodeToString([]byte("Y")))
		w.upsert(stated("Z", 10, 0))
		time.Sleep(time.Minute)
		same(t, "while it is down", stale, quoted(t, c, "X"))
		l.fail(nil)
		time.Sleep(2 * time.Second)
		same(t, "after", "X=6 Z=10 unknown Y", quoted(t, c, "X", "Y", "Z"))
	})
}

func TestDeletedItemIsUnknown(t *testing.T) {
	catalogued(t, func(t *testing.T, w *world, c *inventory.Catalogue, _ *listener) {
		w.upsert(stated("X", 5, 0), stated("Y", 7, 0))
		same(t, "before", "X=5 Y=7", quoted(t, c, "X", "Y"))
		w.db.Remove("items/" + base64.RawURLEncoding.EncodeToString([]byte("X")))
		synctest.Wait()
		same(t, "after", "Y=7 unknown X", quoted(t, c, "X", "Y"))
	})
}

func TestRunSaysWhyItsListenerFailedAndEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
		failed := 0
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		inventory.NewCatalogue(w.items, time.Now).Run(ctx, func(err error) {
			failed++
			if !errors.Is(err, memory.ErrUnavailable) {
				t.Errorf("failed with %v", err)
			}
		})
		if failed < 5 || failed > 11 {
			t.Errorf("in ten seconds the listener was started %d times, want one a second", failed)
		}
	})
}

package simulation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/stack"

	"google.golang.org/protobuf/proto"
)

// outcome is what came of a run.
type outcome struct {
	*sim
	verdicts []promise.Verdict
	world    promise.World
	elapsed  time.Duration // on the virtual clock
}

// run runs a plan from the first order until everything is at rest, publishes everything again, and checks.
func run(t *testing.T, p plan) (out outcome) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(p)
		if p.bug != nil {
			p.bug(s)
		}
		if err := s.live(t.Context()); err != nil {
			t.Fatal(err)
		}
		world, err := s.world(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := s.replay(t.Context(), world); err != nil {
			t.Fatal(err)
		}
		out = outcome{s, promise.Check(world, now, true), world, time.Since(s.start)}
		out.verdicts = append(out.verdicts, promise.CheckHistory(world, s.history)...)
		out.verdicts = append(out.verdicts, s.validIsTaken())
		s.stop()
		s.running.Wait()
		s.sagas.engine.Close()
	})
	return out
}

// live is the run: orders come, things go wrong, and then no longer.
func (s *sim) live(ctx context.Context) error {
	if err := s.stockUp(ctx); err != nil {
		return err
	}
	if err := s.startUnits(); err != nil {
		return err
	}
	for i := range s.orders {
		if s.only == nil || s.only[i] {
			c := s.customer(i)
			s.spawn(c.shop)
			s.spawn(func() { s.operator(i).work(c.arrives()) })
		}
	}
	for i := range 1 + s.orders/10 {
		s.spawn(func() {
			time.Sleep(time.Duration(s.dice.of("poison at", i).float() * float64(s.window)))
			s.poison(i)
		})
	}
	return s.rest(ctx, 6*time.Hour)
}

// rest returns once nothing is on its way, or after most.
func (s *sim) rest(ctx context.Context, most time.Duration) error {
	for until := time.Now().Add(most); time.Now().Before(until); {
		time.Sleep(91*time.Second + 111*time.Microsecond) // a sweep, at least; never at the moment of one
		if s.troubled() || s.busy.Load() > 0 {
			continue
		}
		w, err := s.world(ctx)
		if err != nil {
			return err
		}
		if orders, journals := w.OnItsWay(); orders == 0 && journals == 0 {
			return nil
		}
		s.replayGivenUp(w)
	}
	return nil // what has not ended is a broken promise
}

// world is everything that the stores and the ledger say.
func (s *sim) world(ctx context.Context) (promise.World, error) {
	d := s.databases
	w, err := stack.Stores{Orders: d["orders"], Payments: d["payments"], Inventory: d["inventory"], Platform: d["platform"]}.World(ctx)
	if err != nil {
		return w, err
	}
	for _, m := range s.ledger.Movements() {
		w.Ledger = append(w.Ledger, promise.Movement{Type: m.Type, OrderID: m.IdempotencyKey, RefundKey: m.RefundKey, Amount: m.Amount, Currency: m.Currency})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.history.Answers {
		if a.OrderID != "" {
			w.Acknowledged = append(w.Acknowledged, promise.Acknowledgement{OrderID: a.OrderID, CustomerID: a.CustomerID, IdempotencyKey: a.IdempotencyKey})
		}
	}
	w.Slack = max(promise.DefaultSlack, s.calm.Sub(s.start)-expiry+promise.DefaultSlack) // trouble may outlast an order
	s.history.Subscriptions = nil
	for _, sub := range s.broker.subs {
		s.history.Subscriptions = append(s.history.Subscriptions, promise.Subscription{
			Consumer: sub.consumer, Type: sub.topic[len("orderflow.event.v1."):], ResumeOnly: sub.resume,
		})
	}
	s.history.Parked = nil
	err = store.ScanDocuments(ctx, d["platform"], "dead_letters", func(doc store.Document) {
		s.history.Parked = append(s.history.Parked, letter(doc.Fields))
	})
	return w, err
}

// replay publishes every event again, in any order, and compares everything before and after.
func (s *sim) replay(ctx context.Context, w promise.World) error {
	if orders, journals := w.OnItsWay(); orders > 0 || journals > 0 {
		return nil // it broke a promise already
	}
	before, err := s.everything(ctx)
	if err != nil {
		return err
	}
	for _, o := range w.Orders {
		s.again("orders", o.Journal)
	}
	for _, p := range w.Payments {
		s.again("payments", p.Journal)
	}
	if err := s.rest(ctx, 6*time.Hour); err != nil {
		return err
	}
	after, err := s.everything(ctx)
	s.history.Replay = &promise.Replay{Before: before, After: after}
	return err
}

func (s *sim) again(collection string, j journal.Journal) {
	for _, entry := range j.Entries {
		e := event.FromJournal(collection, entry)
		s.send(s.dice.of("replay "+e.ID, 0), "replay", e)
	}
}

// send publishes an event once more.
func (s *sim) send(d dice, who string, e event.Event) {
	data, err := proto.Marshal(e.Data)
	if err != nil {
		panic(err)
	}
	t := &task{sim: s, dice: d, who: who, order: e.Subject}
	t.note("", "publishes "+e.ID+" again")
	s.broker.send(t.at("replay", ""), e.Type, message{e.Attributes(), data})
}

// everything is all documents as text, all money that moved and all messages that were sent.
func (s *sim) everything(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	collections := map[string][]string{
		"orders": {"orders"}, "payments": {"payments"}, "inventory": {"reservations", "stock", "adjustments"}, "notifications": {"notifications"}, "platform": {"dead_letters"},
	}
	for name, db := range s.databases {
		for _, c := range collections[name] {
			err := store.ScanDocuments(ctx, db, c, func(d store.Document) { out[d.Path] = fmt.Sprint(d.Fields) })
			if err != nil {
				return nil, err
			}
		}
	}
	for _, m := range s.ledger.Movements() {
		out[fmt.Sprintf("ledger/%d", m.Seq)] = fmt.Sprint(m)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.history.Messages {
		out["messages/"+m.ID] += "sent "
	}
	for _, l := range s.history.GivenUp { // what was given up, and parked, does have its effect once it is replayed
		_, order, _ := strings.Cut(path.Dir(l.EventID), "/")
		maps.DeleteFunc(out, func(name, _ string) bool {
			return l.Consumer == "notify-customer" && strings.Contains(name, "/"+order+".")
		})
	}
	return out, nil
}

// violations are what a run broke, by promise.
func (o outcome) violations() (broken []string, orders []string) {
	for _, v := range o.verdicts {
		for _, why := range v.Violations {
			broken = append(broken, fmt.Sprintf("%s: order %s: %s", v.Promise, cmp.Or(why.OrderID, "-"), why.Why))
			if why.OrderID != "" && !slices.Contains(orders, why.OrderID) {
				orders = append(orders, why.OrderID)
			}
		}
	}
	return broken, orders
}

// validIsTaken holds that whoever asks for what can be had is told nothing but yes, or to try again: all requests here can,
// but for those that use a key twice.
func (s *sim) validIsTaken() promise.Verdict {
	v := promise.Verdict{Promise: "valid-is-taken", Checked: len(s.history.Answers), What: "answers"}
	for _, a := range s.history.Answers {
		if a.Status != 0 && a.Status != http.StatusCreated && a.Reason != "idempotency_key_reused" {
			id := (&order.Request{CustomerID: a.CustomerID, IdempotencyKey: a.IdempotencyKey}).OrderID()
			v.Violations = append(v.Violations, promise.Violation{OrderID: id, Why: fmt.Sprintf("its customer was told %d %s", a.Status, a.Reason)})
		}
	}
	return v
}

// endings are how many orders ended how.
func (o outcome) endings() map[string]int {
	out := map[string]int{}
	for _, v := range o.world.Orders {
		out[v.Fields.Status]++
	}
	return out
}

// byHand is how often operators did what.
func (o outcome) byHand() map[string]int {
	out := map[string]int{"stock adjusted by hand": len(o.world.Adjustments)}
	for _, v := range o.world.Orders {
		for _, e := range v.Journal.Entries {
			by, ok := e.Event.(interface{ GetBy() string })
			if ok && by.GetBy() != "" {
				out[nameOf(e.Event)+" by hand"]++
			}
		}
	}
	return out
}

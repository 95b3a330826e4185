package catchup_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/stack"
)

// file archives records of a topic, as made at a time.
func file(t *testing.T, at time.Time, records ...archive.Record) {
	t.Helper()
	content, err := archive.Encode(records)
	if err != nil {
		t.Fatal(err)
	}
	w := cloudtest.Bucket(t, "archive").Create(t.Context(), archive.Name(records[0].Attributes["ce-type"], at, cloudtest.NewID()), archive.ContentType, nil)
	defer w.Abort()
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// The whole way, on the real stores: files in a bucket, orders in a database.
func TestOrdersOfAProjectAreCaughtUpWithItsArchive(t *testing.T) {
	orders, err := store.ReadOrders(t.Context(), store.Config{Project: cloudtest.Project()})
	if err != nil {
		t.Fatal(err)
	}
	lost, behind, complete, older := cloudtest.NewID(), cloudtest.NewID(), cloudtest.NewID(), cloudtest.NewID()
	now := time.Now()
	for id, past := range map[string]string{lost: "PC", behind: "PSX", complete: "PC", older: "PC"} {
		for i, e := range happened(id, past, "") {
			at := now
			if id == older && i == 0 {
				at = now.Add(-3 * time.Hour)
			}
			file(t, at, record(t, "orders", e), record(t, "orders", e))
		}
	}
	db, err := store.Open(t.Context(), cloudtest.Project(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	for id, past := range map[string]string{behind: "P", complete: "PC"} {
		o := &order.Order{ID: id, Fingerprint: []byte{1}, Note: "ring twice", NextAttempt: now}
		if o.Journal.Entries = happened(id, past, ""); o.Final() {
			o.NextAttempt = time.Time{}
		}
		if err := store.NewOrders(db, &publisher{}, clock).Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	run := func(since time.Duration, dryRun bool) map[string]catchup.Outcome {
		outcomes, read, err := catchup.Run(t.Context(), catchup.Options{Project: cloudtest.Project(), Since: now.Add(-since), DryRun: dryRun})
		if err != nil || read < 14 {
			t.Fatalf("read %d events, %v", read, err)
		}
		by := map[string]catchup.Outcome{}
		for _, o := range outcomes {
			if by[o.OrderID] = o; o.Err != nil {
				t.Error(o.Err)
			}
		}
		return by
	}
	run(time.Hour, true)
	if _, err := orders.Get(t.Context(), lost); !errors.Is(err, order.ErrNotFound) {
		t.Fatalf("after a dry run: %v", err)
	}
	got := run(time.Hour, false)
	if len(got) != 3 || !got[lost].Rebuilt || len(got[behind].Appended) != 2 || !got[older].Hold || !strings.Contains(got[older].Person, "--archived-since") {
		t.Errorf("caught up %+v", got)
	}
	for id, past := range map[string]string{lost: "PC", behind: "PSX", complete: "PC"} {
		o, err := orders.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "journal", happened(id, past, ""), o.Journal.Entries)
		if (o.Note == "") != (id == lost) || o.Rebuilt() != (id == lost) || !o.NextAttempt.IsZero() {
			t.Errorf("order %s is %+v", id, o)
		}
	}
	// What a check holds orders to, on the documents themselves.
	world, err := stack.Stores{Orders: db, Payments: &memory.Database{}, Inventory: &memory.Database{}, Platform: &memory.Database{}}.World(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range promise.Check(world, time.Now(), false) {
		if v.Promise == "journal-is-legal" || v.Promise == "fields-match-journal" || v.Promise == "events-are-published" || v.Promise == "one-order-per-key" {
			for _, b := range v.Violations {
				if b.OrderID != complete { // whose mark its own publisher writes
					t.Errorf("%s: %s: %s", v.Promise, b.OrderID, b.Why)
				}
			}
		}
	}
	// A longer look finds what a short one had to leave alone, and only that.
	if got := run(5*time.Hour, false); len(got) != 1 || !got[older].Rebuilt || got[older].Person != "" {
		t.Errorf("caught up %+v", got)
	}
	if got := run(5*time.Hour, false); len(got) > 0 {
		t.Errorf("a last time caught up %+v", got)
	}
}

func TestWhatIsNoEventOfAnOrderIsLeftAlone(t *testing.T) {
	t.Parallel()
	s, db, _ := orders(t, nil)
	good := happened("o1", "PC", "")
	broken := record(t, "orders", good[0])
	broken.Attributes["ce-subject"] = "o2" // the event says another
	renumbered := record(t, "orders", good[1])
	renumbered.Attributes["ce-seq"] = "1"
	garbled := record(t, "orders", good[0])
	garbled.Data = []byte("\xff\xff")
	outcomes := catchUp(t, s, false, record(t, "payments", good[0]), broken, renumbered, garbled, archive.Record{})
	if len(outcomes) > 0 {
		t.Errorf("caught up %+v", outcomes)
	}
	for _, id := range []string{"o1", "o2"} {
		if entries, _ := entriesOf(t, db, id); len(entries) > 0 {
			t.Errorf("%s was made", id)
		}
	}
}

// An order that its customer placed again under the same key is another from its first event on.
func TestAnOrderThatWasPlacedAgainStands(t *testing.T) {
	t.Parallel()
	anew := happened("o1", "P", "anew")
	s, db, _ := orders(t, map[string][]journal.Entry{"o1": anew})
	var records []archive.Record
	for _, e := range append(happened("o1", "PC", ""), anew...) {
		records = append(records, record(t, "orders", e))
	}
	outcomes := catchUp(t, s, false, records...)
	got, _ := entriesOf(t, db, "o1")
	same(t, "journal", anew, got)
	if o := outcomes["o1"]; o.Person == "" || o.Rebuilt || len(o.Appended) > 0 {
		t.Errorf("caught up %+v", o)
	}
}

// What cannot be read is the repair's to tell of; what cannot be written is said, and nothing else is kept from being caught up.
func TestTroubleIsSaid(t *testing.T) {
	t.Parallel()
	s, db, _ := orders(t, nil)
	if _, err := db.Commit(t.Context(), store.Write{Path: "orders/o1", Fields: store.Fields{"journal": []byte("no journal")}}); err != nil {
		t.Fatal(err)
	}
	var records []archive.Record
	for _, id := range []string{"o1", "o2", "o3"} {
		records = append(records, record(t, "orders", happened(id, "P", "")[0]))
	}
	db.Before = func(op string, writes []store.Write) error {
		if op == "commit" && writes[0].Path == "orders/o2" {
			return memory.ErrUnavailable
		}
		return nil
	}
	c := &catchup.CatchingUp{Orders: s, Now: clock}
	for _, r := range records {
		if err := c.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	outcomes, err := c.Finish(t.Context())
	if err != nil || len(outcomes) != 2 || outcomes[0].OrderID != "o2" || !errors.Is(outcomes[0].Err, memory.ErrUnavailable) || len(outcomes[0].Appended) > 0 || !outcomes[1].Rebuilt {
		t.Errorf("caught up %+v, %v", outcomes, err)
	}
	db.Before = func(string, []store.Write) error { return memory.ErrUnavailable }
	again := &catchup.CatchingUp{Orders: s, Now: clock}
	err = again.Add(t.Context(), records[0])
	if _, finish := again.Finish(t.Context()); err == nil && finish == nil {
		t.Error("orders could not be read, and nobody was told")
	}
}

// Of so many orders, only those are held that lack something; all are compared, whatever the size of a batch.
func TestManyOrdersAreComparedInBatches(t *testing.T) {
	t.Parallel()
	journals, records := map[string][]journal.Entry{}, []archive.Record{}
	for n := range 700 {
		id := fmt.Sprint("o", n)
		if n%7 > 0 {
			journals[id] = happened(id, "PC", "")
		}
		for _, e := range happened(id, "PC", "") {
			records = append(records, record(t, "orders", e))
		}
	}
	s, _, _ := orders(t, journals)
	if outcomes := catchUp(t, s, false, records...); len(outcomes) != 100 {
		t.Errorf("%d were caught up, want 100", len(outcomes))
	}
}

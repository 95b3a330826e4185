package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestScanDocumentsMeetsEveryDocumentOnceByID(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	var want []string
	for i := range 650 { // over two pages
		path := fmt.Sprintf("things/t%03d", i)
		want = append(want, path)
		if _, err := db.Commit(t.Context(), store.Write{Path: path, Fields: store.Fields{"n": int64(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	if err := store.ScanDocuments(t.Context(), db, "things", func(d store.Document) { got = append(got, d.Path) }); err != nil {
		t.Fatal(err)
	}
	same(t, "documents", want, got)
}

// scanned is the one document of a collection.
func scanned(t *testing.T, db store.Database, collection string) store.Document {
	t.Helper()
	var found []store.Document
	if err := store.ScanDocuments(t.Context(), db, collection, func(d store.Document) { found = append(found, d) }); err != nil || len(found) != 1 {
		t.Fatalf("%s has %d documents (%v), want 1", collection, len(found), err)
	}
	return found[0]
}

func TestQueryFieldsAreAsStored(t *testing.T) {
	t.Parallel()
	s, db, p := orders()
	p.fail = func(event.Event) bool { return true }
	create(t, s, placed("a1", moment))
	stored := moment.Truncate(time.Microsecond)
	got := store.ReadQueryFields(scanned(t, db, "orders"))
	same(t, "fields of a new order", store.QueryFields{
		Status: "PLACED", CustomerID: "customer", CreateTime: stored, InSweep: true, NextAttempt: stored.Add(2 * time.Minute),
		InJournalSweep: true, Unpublished: stored,
	}, got)
	p.fail = nil
	update(t, s, "a1", func(o *order.Order) error { return confirm(o) })
	got = store.ReadQueryFields(scanned(t, db, "orders"))
	same(t, "fields of a confirmed order", store.QueryFields{Status: "CONFIRMED", CustomerID: "customer", CreateTime: stored}, got)
}

func TestReservationsAndStockAreReadFromTheirDocuments(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	r := &inventory.Reservation{OrderID: "o1", State: inventory.Refused, Quantities: map[string]int32{"a/b": 2}, Short: "a/b"}
	stock := &inventory.Stock{SKU: "a/b", Available: -3, Held: 4, Stated: 1}
	if err := store.NewInventory(db).Save(t.Context(), []*inventory.Reservation{r}, []*inventory.Stock{stock}); err != nil {
		t.Fatal(err)
	}
	gotR, err := store.ReadReservation(scanned(t, db, "reservations"))
	if err != nil {
		t.Fatal(err)
	}
	gotS := store.ReadStock(scanned(t, db, "stock"))
	gotR.Version, gotS.Version = nil, nil
	same(t, "reservation", r, gotR)
	same(t, "stock", stock, gotS)
	for _, d := range []store.Document{{Path: "reservations/!"}, {Path: "reservations/bzE", Fields: store.Fields{"quantities": []byte("{")}}} {
		if _, err := store.ReadReservation(d); err == nil {
			t.Errorf("%v is read without an error", d)
		}
	}
}

func TestDeadLettersAreReadWithWhoGaveUpAndWhatWasDecided(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	s := store.NewDeadLetters(db, clock)
	m := event.Message{Attributes: map[string]string{"ce-subject": "o1", "ce-id": "orders/o1/1", "ce-type": "t"}, Data: []byte{1}}
	if err := s.Park(t.Context(), "id", "notify-customer", "malformed", m); err != nil {
		t.Fatal(err)
	}
	first, err := s.Get(t.Context(), store.DeadLetterID("id"))
	if err != nil || !first.Open() {
		t.Fatal(first, err)
	}
	want := store.DeadLetter{
		ID: store.DeadLetterID("id"), OrderID: "o1", EventID: "orders/o1/1", EventType: "t", Function: "notify-customer",
		Reason: "malformed", ParkTime: moment.Truncate(time.Microsecond), Message: m, Version: first.Version,
	}
	same(t, "dead letter", want, first)
	at := moment.Truncate(time.Microsecond)
	for i, d := range []store.Decision{{store.Replayed, "ann", "repaired", at}, {store.Discarded, "ben", "was there", at.Add(time.Hour)}} {
		l, err := s.Get(t.Context(), first.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Decide(t.Context(), l, d); err != nil {
			t.Fatal(err)
		}
		want.Decisions = append(want.Decisions, d)
		if err := s.Decide(t.Context(), l, d); !errors.Is(err, store.ErrConflict) {
			t.Errorf("decision %d by somebody who had read what was there before: %v", i, err)
		}
	}
	err = s.Each(t.Context(), func(l store.DeadLetter) {
		want.Version = l.Version
		same(t, "dead letter", want, l)
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "none"); fault.Code(err) != codes.NotFound {
		t.Errorf("a letter that is not there: %v", err)
	}
}

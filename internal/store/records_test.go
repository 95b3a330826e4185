package store_test

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/notification"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestNotificationRecordIsTakenOnceAndSavedAsItWasRead(t *testing.T) {
	t.Parallel()
	s := store.NewNotifications(&memory.Database{})
	ctx := t.Context()
	mine := &notification.Record{MessageID: "o1.confirmed@orderflow.dev", LeaseUntil: moment}
	if err := s.Create(ctx, mine); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(ctx, &notification.Record{MessageID: mine.MessageID, Sent: true}); !errors.Is(err, notification.ErrExists) {
		t.Errorf("a second create answers %v", err)
	}
	theirs, err := s.Get(ctx, mine.MessageID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "record", &notification.Record{MessageID: mine.MessageID, LeaseUntil: moment.Truncate(time.Microsecond), Version: mine.Version}, theirs)
	theirs.Sent, theirs.LeaseUntil = true, time.Time{}
	if err := s.Save(ctx, theirs); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(ctx, mine); !errors.Is(err, notification.ErrConflict) {
		t.Errorf("a save of what another changed answers %v", err)
	}
	now, err := s.Get(ctx, mine.MessageID)
	if err != nil || !now.Sent || !now.LeaseUntil.IsZero() {
		t.Errorf("the record is %+v, %v", now, err)
	}
	theirs.Sent = false
	if err := s.Save(ctx, theirs); err != nil { // saving again what was saved
		t.Errorf("a second save answers %v", err)
	}
}

func TestDeadLetterIsParkedOnce(t *testing.T) {
	t.Parallel()
	db := &memory.Database{}
	now := moment
	s := store.NewDeadLetters(db, func() time.Time { return now })
	m := event.Message{Attributes: map[string]string{"ce-id": "orders/o1/1", "ce-subject": "o1", "ce-type": "t", "Content-Type": "x"}, Data: []byte{0, 1}}
	for range 2 {
		if err := s.Park(t.Context(), "12/3 4", "notify-customer", "no such thing", m); err != nil {
			t.Fatal(err)
		}
		m.Data = []byte("another")
		now = moment.Add(time.Hour)
	}
	found, err := db.Query(t.Context(), store.Query{Collection: "dead_letters", Limit: 5})
	if err != nil || len(found) != 1 {
		t.Fatalf("%d dead letters, %v, want 1", len(found), err)
	}
	same(t, "dead letter", store.Fields{
		"function": "notify-customer", "reason": "no such thing", "park_time": moment.Truncate(time.Microsecond), "data": []byte{0, 1},
		"attributes": map[string]any{"ce-id": "orders/o1/1", "ce-subject": "o1", "ce-type": "t", "Content-Type": "x"},
		"order_id":   "o1", "event_id": "orders/o1/1", "event_type": "t",
	}, found[0].Fields)
}

func TestDeadLetterWithoutAnythingIsParkedToo(t *testing.T) {
	t.Parallel()
	db := &memory.Database{After: func(string, []store.Write) error { return memory.ErrUnavailable }}
	s := store.NewDeadLetters(db, clock)
	if err := s.Park(t.Context(), "1", "", "", event.Message{}); !errors.Is(err, memory.ErrUnavailable) {
		t.Errorf("a parking whose answer is lost answers %v: it would be acked", err)
	}
	db.After = nil
	if err := s.Park(t.Context(), "1", "", "", event.Message{}); err != nil {
		t.Error(err)
	}
}

func TestListenerOfItemsSpeaksOfSKUs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, db := items()
		upsert(t, s, stated("a/b", 5, 1))
		ctx, stop := context.WithCancel(t.Context())
		var heard []string
		var wg sync.WaitGroup
		wg.Go(func() {
			err := s.Watch(ctx, func(set []inventory.Item, deleted []string, at time.Time) {
				for _, it := range set {
					heard = append(heard, "set "+it.SKU+", "+it.Name)
				}
				for _, sku := range deleted {
					heard = append(heard, "deleted "+sku)
				}
				if at.IsZero() {
					t.Error("a delivery is of no time")
				}
			})
			if fault.Code(err) != codes.Canceled {
				t.Errorf("the listener ended with %v", err)
			}
		})
		synctest.Wait()
		upsert(t, s, stated("Z", 5, 1))
		synctest.Wait()
		db.Remove("items/" + base64.RawURLEncoding.EncodeToString([]byte("a/b")))
		synctest.Wait()
		stop()
		wg.Wait()
		same(t, "heard", []string{"set a/b, name of a/b", "set Z, name of Z", "deleted a/b"}, heard)
	})
}

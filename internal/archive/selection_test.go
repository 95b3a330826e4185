package archive_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
)

const topic = "orderflow.event.v1.OrderConfirmed"

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// published is the archived message of an order's event, so long after noon.
func published(order string, seq int64, after time.Duration, change ...func(map[string]string)) archive.Record {
	e := event.FromJournal("orders", journal.Entry{Event: &eventv1.OrderConfirmed{OrderId: order, Seq: seq}})
	data, err := proto.Marshal(e.Data)
	if err != nil {
		panic(err)
	}
	r := archive.Record{MessageID: fmt.Sprint(order, seq, after), PublishTime: noon.Add(after), Attributes: e.Attributes(), Data: data}
	for _, c := range change {
		c(r.Attributes)
	}
	return r
}

func replayed(a map[string]string) { a["ce-replay"] = "r" }
func broken(a map[string]string)   { delete(a, "ce-id") }

func ids(events []archive.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.ID())
	}
	return ids
}

func TestEachEventOfTheWindowIsSelectedOnce(t *testing.T) {
	t.Parallel()
	s := &archive.Selection{Window: archive.Window{From: noon, To: noon.Add(time.Hour)}}
	for _, r := range []archive.Record{
		published("before", 2, -time.Microsecond), published("b", 2, 2*time.Minute), published("a", 2, time.Minute),
		published("b", 2, 3*time.Minute), published("first", 2, 0), published("after", 2, time.Hour),
		published("a", 3, time.Minute), published("c", 2, time.Minute, replayed), published("d", 2, time.Minute, broken),
	} {
		s.Add(topic, r)
	}
	s.Add("orderflow.event.v1.OrderCancelled", published("a", 9, time.Minute))
	want := []string{"orders/first/2", "orders/a/2", "orders/a/3", "orders/b/2"}
	if diff := cmp.Diff(want, ids(s.Events())); diff != "" {
		t.Errorf("selected (-want +got):\n%s", diff)
	}
	counts := s.Counts(topic)
	if diff := cmp.Diff(archive.Counts{Found: 7, Again: 1, Replays: 1, Broken: 1}, counts); diff != "" || counts.Selected() != 4 {
		t.Errorf("%d selected, counts (-want +got):\n%s", counts.Selected(), diff)
	}
	if n := s.Counts("orderflow.event.v1.OrderCancelled"); n.Broken != 1 || n.Found != 1 {
		t.Errorf("an event in another's topic counts as %+v", n)
	}
}

func TestOneOrdersEventsAreSelected(t *testing.T) {
	t.Parallel()
	s := &archive.Selection{Window: archive.Window{From: noon, To: noon.Add(time.Hour)}, Order: "b"}
	for _, o := range []string{"a", "b", "c"} {
		s.Add(topic, published(o, 2, 0))
	}
	if got := ids(s.Events()); !slices.Equal(got, []string{"orders/b/2"}) || s.Counts(topic).Others != 2 {
		t.Errorf("selected %v, counts %+v", got, s.Counts(topic))
	}
}

// TestSelectionDoesNotDependOnFiles: whatever the order in which messages are read, and however often each is there.
func TestSelectionDoesNotDependOnFiles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) archive.Record {
			return published(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "order"), rapid.Int64Range(1, 3).Draw(t, "seq"),
				time.Duration(rapid.IntRange(0, 50).Draw(t, "after"))*time.Second)
		}), 0, 30).Draw(t, "messages")
		select1, select2 := &archive.Selection{Window: archive.Window{From: noon, To: noon.Add(time.Hour)}}, &archive.Selection{Window: archive.Window{From: noon, To: noon.Add(time.Hour)}}
		for _, r := range all {
			select1.Add(topic, r)
		}
		for _, r := range rapid.Permutation(slices.Concat(all, all)).Draw(t, "again") {
			select2.Add(topic, r)
		}
		one, other := select1.Events(), select2.Events()
		if diff := cmp.Diff(ids(one), ids(other)); diff != "" {
			t.Fatalf("selected otherwise:\n%s", diff)
		}
		if !slices.IsSortedFunc(one, func(a, b archive.Event) int { return a.PublishTime.Compare(b.PublishTime) }) {
			t.Fatalf("not by publish time: %v", ids(one))
		}
		if n := select2.Counts(topic); n.Found != 2*len(all) || n.Selected() != len(one) {
			t.Fatalf("%d messages, %d events: %+v", 2*len(all), len(one), n)
		}
	})
}

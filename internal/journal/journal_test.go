package journal_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/journal"
)

// event is some event with a seq.
func event(kind int, seq int64) journal.Event {
	at := timestamppb.New(time.Unix(1, 2))
	return []journal.Event{
		&eventv1.OrderCreated{OrderId: "o1", Seq: seq, EventTime: at, Lines: []*typev1.OrderLine{{Sku: "é", Quantity: 1}}},
		&eventv1.OrderConfirmed{OrderId: "o1", Seq: seq, EventTime: at},
		&eventv1.OrderCancellationStarted{OrderId: "o1", Seq: seq, EventTime: at, Reason: "expired"},
		&eventv1.OrderCancelled{OrderId: "o1", Seq: seq, EventTime: at},
		&eventv1.PaymentProcessed{OrderId: "o1", Seq: seq, EventTime: at},
		&eventv1.PaymentFailed{OrderId: "o1", Seq: seq, EventTime: at},
		&eventv1.PaymentRefunded{OrderId: "o1", Seq: seq, EventTime: at},
	}[kind]
}

const kinds = 7

func journalOf(n int) journal.Journal {
	var j journal.Journal
	for range n {
		j.Append(event(int(j.Next())%kinds, j.Next()), false)
	}
	return j
}

func TestJournalComesBackAsItWasStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var j journal.Journal
		for _, kind := range rapid.SliceOfN(rapid.IntRange(0, kinds-1), 0, 10).Draw(t, "kinds") {
			j.Append(event(kind, j.Next()), rapid.Bool().Draw(t, "resume"))
			last := &j.Entries[len(j.Entries)-1]
			last.Traceparent, last.RequestID = rapid.String().Draw(t, "trace"), rapid.String().Draw(t, "request")
		}
		j.Published = rapid.Int64Range(0, j.Next()-1).Draw(t, "published")
		data, err := j.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := journal.Unmarshal(data, j.Published)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(j, got, protocmp.Transform()); diff != "" {
			t.Errorf("journal (-want +got):\n%s", diff)
		}
	})
}

func TestWhatIsNoJournalIsRefused(t *testing.T) {
	t.Parallel()
	stored := func(a *anypb.Any) []byte {
		data, err := proto.Marshal(&eventv1.Journal{Entries: []*eventv1.JournalEntry{{Event: a}}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, data := range map[string][]byte{
		"not protobuf":     []byte("no journal"),
		"an empty entry":   {0x0a, 0x00},
		"not an event":     stored(&anypb.Any{TypeUrl: "type.googleapis.com/orderflow.type.v1.Money"}),
		"an unknown event": stored(&anypb.Any{TypeUrl: "type.googleapis.com/orderflow.event.v1.Nonsense"}),
		"a broken event":   stored(&anypb.Any{TypeUrl: "type.googleapis.com/orderflow.event.v1.OrderCreated", Value: []byte("x")}),
	} {
		if j, err := journal.Unmarshal(data, 0); err == nil {
			t.Errorf("%s was read as %+v", name, j)
		}
	}
}

func TestAppendOfAnotherSeqIsABug(t *testing.T) {
	t.Parallel()
	for _, seq := range []int64{-1, 0, 1, 2, 4} { // the next is 3
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("an event with seq %d was appended as the third", seq)
				}
			}()
			j := journalOf(2)
			j.Append(event(0, seq), false)
		}()
	}
}

func TestWitnessOnlyAdvancesTheMarkAndOnlyToWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ mark, seq, want int64 }{
		{0, 0, 0}, {0, 1, 1}, {0, 3, 3}, {0, 4, 0}, {0, -1, 0}, {2, 1, 2}, {2, 2, 2}, {2, 3, 3}, {2, 99, 2}, {3, 3, 3},
	} {
		j := journalOf(3)
		j.Published = c.mark
		j.Witness(c.seq)
		if j.Published != c.want {
			t.Errorf("mark %d and evidence of %d: mark %d, want %d", c.mark, c.seq, j.Published, c.want)
		}
	}
}

func TestUnpublishedIsWhatIsAboveTheMark(t *testing.T) {
	t.Parallel()
	for mark, want := range map[int64]int{0: 3, 1: 2, 3: 0, 9: 0} {
		j := journalOf(3)
		j.Published = mark
		got := j.Unpublished()
		if len(got) != want || want > 0 && got[0].Event.GetSeq() != mark+1 {
			t.Errorf("mark %d: unpublished %v", mark, got)
		}
	}
}

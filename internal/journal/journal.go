// Package journal is the gap-free history of one aggregate, which is also its outbox: an event is appended in the
// write that made it true and published from there.
package journal

import (
	"fmt"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Event is any message of events.proto.
type Event interface {
	proto.Message
	GetOrderId() string
	GetSeq() int64
	GetEventTime() *timestamppb.Timestamp
}

// Entry is one event of a journal.
type Entry struct {
	Event       Event
	Resume      bool   // nobody waits for it: the saga is to be started again
	Traceparent string // W3C trace context of the request that caused it
	RequestID   string // of the request that caused it
}

// Journal is the history of one aggregate. The zero value is an empty one.
type Journal struct {
	Entries   []Entry
	Published int64 // every entry up to this seq is known to have been published
}

// Next is the seq of the next entry.
func (j *Journal) Next() int64 { return int64(len(j.Entries)) + 1 }

// Append adds an event, whose seq must be Next: anything else is a bug in the caller.
func (j *Journal) Append(e Event, resume bool) {
	if e.GetSeq() != j.Next() {
		panic(fmt.Sprintf("journal of %s: event %T has seq %d, want %d", e.GetOrderId(), e, e.GetSeq(), j.Next()))
	}
	j.Entries = append(j.Entries, Entry{Event: e, Resume: resume})
}

// Witness records evidence that the entry with this seq was published, such as a call that its event caused.
// Consumers run after the events before it were published too, since writers publish in order.
func (j *Journal) Witness(seq int64) {
	if seq > j.Published && seq < j.Next() {
		j.Published = seq
	}
}

// Unpublished are the entries that are not known to have been published, in order.
func (j *Journal) Unpublished() []Entry { return j.Entries[min(j.Published, int64(len(j.Entries))):] }

// Marshal is the stored form of the entries.
func (j *Journal) Marshal() ([]byte, error) {
	stored := &eventv1.Journal{}
	for _, e := range j.Entries {
		a, err := anypb.New(e.Event)
		if err != nil {
			return nil, fmt.Errorf("store event %T: %w", e.Event, err)
		}
		stored.Entries = append(stored.Entries, &eventv1.JournalEntry{
			Event: a, Resume: e.Resume, Traceparent: e.Traceparent, RequestId: e.RequestID,
		})
	}
	return proto.Marshal(stored)
}

// Unmarshal reads what Marshal wrote.
func Unmarshal(data []byte, published int64) (Journal, error) {
	var stored eventv1.Journal
	if err := proto.Unmarshal(data, &stored); err != nil {
		return Journal{}, fmt.Errorf("read journal: %w", err)
	}
	j := Journal{Published: published}
	for i, e := range stored.GetEntries() {
		m, err := e.GetEvent().UnmarshalNew()
		if err != nil {
			return Journal{}, fmt.Errorf("read journal entry %d: %w", i+1, err)
		}
		ev, ok := m.(Event)
		if !ok {
			return Journal{}, fmt.Errorf("read journal entry %d: %T is not an event", i+1, m)
		}
		j.Entries = append(j.Entries, Entry{Event: ev, Resume: e.GetResume(), Traceparent: e.GetTraceparent(), RequestID: e.GetRequestId()})
	}
	return j, nil
}

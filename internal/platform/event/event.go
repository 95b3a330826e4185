// Package event carries events between a journal and a function: protobuf in a CloudEvent over Pub/Sub, in the
// CloudEvents Pub/Sub binding. Topic id = CloudEvent type = the proto's full name, so no table maps them.
package event

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/internal/journal"
)

// Event is one event on its way.
type Event struct {
	ID          string // aggregate and seq: orders/{id}/1. The same event always has the same id
	Type        string // orderflow.event.v1.OrderCreated
	Source      string // //orderflow.dev/orders
	Subject     string // the order's id
	Seq         int64  // place in the aggregate's journal
	Time        time.Time
	Resume      bool // nobody waits for it: the saga is to be started again
	Traceparent string
	RequestID   string
	Replay      string // id of the replay that published it again; empty if none did
	ReplayFor   string // the only function that the replay is for; empty: every one
	Attempt     int    // delivery attempt, from 1; 0 if not known
	Data        proto.Message
}

// FromJournal is a journal's entry as the event of an aggregate ("orders", "payments").
func FromJournal(aggregate string, e journal.Entry) Event {
	out := Of(aggregate, e.Event.GetOrderId(), e.Event)
	out.Resume, out.Traceparent, out.RequestID = e.Resume, e.Traceparent, e.RequestID
	return out
}

// Of is an event about an aggregate that has no journal: an import.
func Of(aggregate, id string, data interface {
	proto.Message
	GetSeq() int64
	GetEventTime() *timestamppb.Timestamp
}) Event {
	return Event{
		ID: fmt.Sprintf("%s/%s/%d", aggregate, id, data.GetSeq()), Type: string(data.ProtoReflect().Descriptor().FullName()),
		Source: "//orderflow.dev/" + aggregate, Subject: id, Seq: data.GetSeq(), Time: data.GetEventTime().AsTime(), Data: data,
	}
}

// Attributes are the event's CloudEvent attributes as Pub/Sub message attributes
// (https://github.com/google/knative-gcp/blob/main/docs/spec/pubsub-protocol-binding.md, binary mode).
func (e Event) Attributes() map[string]string {
	a := map[string]string{
		"ce-specversion": "1.0",
		"ce-id":          e.ID,
		"ce-type":        e.Type,
		"ce-source":      e.Source,
		"ce-subject":     e.Subject,
		"ce-time":        e.Time.UTC().Format(time.RFC3339Nano),
		"ce-seq":         strconv.FormatInt(e.Seq, 10),
		"Content-Type":   "application/protobuf",
	}
	if e.Resume {
		a["ce-resume"] = "true"
	}
	for name, value := range map[string]string{
		"ce-traceparent": e.Traceparent, "ce-requestid": e.RequestID, "ce-replay": e.Replay, "ce-replayfor": e.ReplayFor,
	} {
		if value != "" {
			a[name] = value
		}
	}
	return a
}

// newData is an empty message of an event type. Only events are made: a type from outside names nothing else.
func newData(eventType string) (proto.Message, error) {
	if !strings.HasPrefix(eventType, "orderflow.event.") {
		return nil, fmt.Errorf("%q is no event type of ours", eventType)
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(eventType))
	if err != nil {
		return nil, fmt.Errorf("unknown event type %q", eventType)
	}
	data := t.New().Interface()
	if _, ok := data.(interface{ GetEventTime() *timestamppb.Timestamp }); !ok {
		return nil, fmt.Errorf("%q is no event", eventType)
	}
	return data, nil
}

package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/event"
)

// DeadLetters keeps what could not be handled: dead_letters/{id}.
type DeadLetters struct {
	db  Database
	now func() time.Time
}

// NewDeadLetters keeps dead letters in db.
func NewDeadLetters(db Database, now func() time.Time) *DeadLetters { return &DeadLetters{db, now} }

// DeadLetter is a message that could not be handled, and what people did about it.
type DeadLetter struct {
	ID                          string
	Function, Reason            string // who gave up on it, and why
	OrderID, EventID, EventType string // empty if the message did not say
	ParkTime                    time.Time
	Message                     event.Message
	Decisions                   []Decision // oldest first
	Version                     time.Time  // as which it was read
}

// Open says whether nobody has decided about it yet.
func (l DeadLetter) Open() bool { return len(l.Decisions) == 0 }

// Decision is what a person did about a dead letter.
type Decision struct {
	Action string // Replayed or Discarded
	By     string
	Reason string
	Time   time.Time
}

// Actions of a decision.
const (
	Replayed  = "replayed"
	Discarded = "discarded"
)

// Park keeps a message under an id of its own. The same message again changes nothing.
func (s *DeadLetters) Park(ctx context.Context, id, function, reason string, m event.Message) error {
	attributes := map[string]any{}
	for k, v := range m.Attributes {
		attributes[k] = v
	}
	_, err := commit(ctx, s.db, Write{Path: deadLetterPath(DeadLetterID(id)), Fields: Fields{
		"function": function, "reason": reason, "attributes": attributes, "data": m.Data, "park_time": s.now(),
		"order_id": m.Attributes["ce-subject"], "event_id": m.Attributes["ce-id"], "event_type": m.Attributes["ce-type"],
	}})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// DeadLetterID is the id of the dead letter that a message of the dead-letter topic became, by Pub/Sub's id of it.
func DeadLetterID(messageID string) string { return docID(messageID) }

func deadLetterPath(id string) string { return "dead_letters/" + id }

// Each calls f with every dead letter, by id.
func (s *DeadLetters) Each(ctx context.Context, f func(DeadLetter)) error {
	return ScanDocuments(ctx, s.db, "dead_letters", func(d Document) { f(ReadDeadLetter(d)) })
}

// Get reads a dead letter. NOT_FOUND if there is none of that id.
func (s *DeadLetters) Get(ctx context.Context, id string) (DeadLetter, error) {
	documents, err := s.db.Get(ctx, deadLetterPath(id))
	if err != nil {
		return DeadLetter{}, err
	}
	if !documents[0].Exists() {
		return DeadLetter{}, fault.New(codes.NotFound, "", "there is no dead letter %s", id)
	}
	return ReadDeadLetter(documents[0]), nil
}

// Decide keeps a decision about a dead letter as it was read; ErrConflict if somebody else decided meanwhile.
func (s *DeadLetters) Decide(ctx context.Context, l DeadLetter, d Decision) error {
	decisions := map[string]any{}
	for i, one := range append(slices.Clone(l.Decisions), d) {
		decisions[fmt.Sprintf("%03d", i+1)] = map[string]any{
			"action": one.Action, "by": one.By, "reason": one.Reason, "time": one.Time,
		}
	}
	_, err := commit(ctx, s.db, Write{Path: deadLetterPath(l.ID), Fields: Fields{"decisions": decisions}, As: l.Version})
	return err
}

// ReadDeadLetter reads a dead letter from its document.
func ReadDeadLetter(d Document) DeadLetter {
	l := DeadLetter{
		ID: path.Base(d.Path), Function: d.text("function"), Reason: d.text("reason"), OrderID: d.text("order_id"),
		EventID: d.text("event_id"), EventType: d.text("event_type"), ParkTime: d.timestamp("park_time"), Version: d.UpdateTime,
		Message: event.Message{Attributes: map[string]string{}, Data: d.bytes("data")},
	}
	attributes, _ := d.Fields["attributes"].(map[string]any)
	for k, v := range attributes {
		l.Message.Attributes[k], _ = v.(string)
	}
	decisions, _ := d.Fields["decisions"].(map[string]any)
	for _, n := range slices.SortedFunc(maps.Keys(decisions), byNumber) {
		one, _ := decisions[n].(map[string]any)
		read := Document{Fields: one}
		l.Decisions = append(l.Decisions, Decision{read.text("action"), read.text("by"), read.text("reason"), read.timestamp("time")})
	}
	return l
}

func byNumber(a, b string) int {
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return x - y
}

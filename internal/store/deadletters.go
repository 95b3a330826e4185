package store

import (
	"context"
	"errors"
	"time"

	"orderflow.dev/internal/platform/event"
)

// DeadLetters keeps what could not be handled: dead_letters/{id}.
type DeadLetters struct {
	db  Database
	now func() time.Time
}

// NewDeadLetters keeps dead letters in db.
func NewDeadLetters(db Database, now func() time.Time) *DeadLetters { return &DeadLetters{db, now} }

// Park keeps a message under an id of its own. The same message again changes nothing.
func (s *DeadLetters) Park(ctx context.Context, id, function, reason string, m event.Message) error {
	attributes := map[string]any{}
	for k, v := range m.Attributes {
		attributes[k] = v
	}
	_, err := commit(ctx, s.db, Write{Path: "dead_letters/" + docID(id), Fields: Fields{
		"function": function, "reason": reason, "attributes": attributes, "data": m.Data, "park_time": s.now(),
		"order_id": m.Attributes["ce-subject"], "event_id": m.Attributes["ce-id"], "event_type": m.Attributes["ce-type"],
	}})
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

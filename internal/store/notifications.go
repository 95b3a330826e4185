package store

import (
	"context"
	"errors"

	"orderflow.dev/internal/notification"
)

// Notifications is notification.Store: notifications/{message id}.
type Notifications struct {
	db Database
}

// NewNotifications keeps records in db.
func NewNotifications(db Database) *Notifications { return &Notifications{db} }

// Create implements notification.Store.
func (s *Notifications) Create(ctx context.Context, r *notification.Record) error {
	err := s.Save(ctx, r)
	if errors.Is(err, notification.ErrConflict) {
		return notification.ErrExists
	}
	return err
}

// Get implements notification.Store.
func (s *Notifications) Get(ctx context.Context, messageID string) (*notification.Record, error) {
	documents, err := s.db.Get(ctx, "notifications/"+messageID)
	if err != nil {
		return nil, err
	}
	d := documents[0]
	sent, _ := d.Fields["sent"].(bool)
	return &notification.Record{MessageID: messageID, Sent: sent, LeaseUntil: d.timestamp("lease_until"), Version: d.UpdateTime}, nil
}

// Save implements notification.Store.
func (s *Notifications) Save(ctx context.Context, r *notification.Record) error {
	at, err := commit(ctx, s.db, Write{
		Path: "notifications/" + r.MessageID, As: version(r.Version),
		Fields: Fields{"sent": r.Sent, "lease_until": r.LeaseUntil},
	})
	if errors.Is(err, ErrConflict) {
		return notification.ErrConflict
	}
	r.Version = at
	return err
}

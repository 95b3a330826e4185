package store

import (
	"context"
	"path"
	"time"

	"orderflow.dev/internal/payment"
)

// fieldCreateShard is a payment's shard for as long as it lives, so that payments are found by the time that they were
// asked for.
const fieldCreateShard = "create_shard"

// GetAll implements payment.Books.
func (s *Payments) GetAll(ctx context.Context, orderIDs []string) (map[string]*payment.Payment, error) {
	found := map[string]*payment.Payment{}
	var paths []string
	for _, id := range orderIDs {
		if _, known := found[id]; !known && validID(id) {
			found[id] = nil
			paths = append(paths, "payments/"+id)
		}
	}
	if len(paths) == 0 {
		return found, nil
	}
	documents, err := s.db.Get(ctx, paths...)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		if !d.Exists() {
			continue
		}
		if found[path.Base(d.Path)], err = readPayment(d); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Created implements payment.Books, shard by shard, in the order of time.
func (s *Payments) Created(ctx context.Context, since, until time.Time, each func(*payment.Payment) error) error {
	for shard := range int64(shards) {
		q := Query{
			Collection: "payments", Limit: scanPage,
			Where:   []Where{{fieldCreateShard, "==", shard}, {fieldCreated, ">=", since}, {fieldCreated, "<", until}},
			OrderBy: []Order{{Field: fieldCreated}, {Field: DocumentID}},
		}
		if err := s.created(ctx, q, each); err != nil {
			return err
		}
	}
	return nil
}

func (s *Payments) created(ctx context.Context, q Query, each func(*payment.Payment) error) error {
	for {
		documents, err := s.db.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range documents {
			p, err := readPayment(d)
			if err != nil {
				return err
			}
			if err := each(p); err != nil {
				return err
			}
		}
		if len(documents) < q.Limit {
			return nil
		}
		last := documents[len(documents)-1]
		q.After = []any{last.timestamp(fieldCreated), path.Base(last.Path)}
	}
}

package store

import (
	"context"
	"errors"
	"path"
	"time"

	"orderflow.dev/internal/order"
)

// Look reads orders by id: those that are there, and why some that are there cannot be read.
func (s *Orders) Look(ctx context.Context, ids []string) (there map[string]*order.Order, unread map[string]error, err error) {
	there, unread = map[string]*order.Order{}, map[string]error{}
	var paths []string
	for _, id := range ids {
		if validID(id) {
			paths = append(paths, "orders/"+id)
		}
	}
	if len(paths) == 0 {
		return there, unread, nil
	}
	documents, err := s.db.Get(ctx, paths...)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range documents {
		if !d.Exists() {
			continue
		}
		id := path.Base(d.Path)
		if there[id], err = readOrder(d); err != nil {
			delete(there, id)
			unread[id] = err
		}
	}
	return there, unread, nil
}

// CatchUp writes what an order's journal had before it was lost. change is given the order, nil if there is none, and
// answers it with the journal that it is to have; nil leaves everything as it is. It may run more than once. Entries keep the
// trace they have, and nothing is published: that was done before, and the mark says so. The sweep publishes what it does
// not cover.
func (s *Orders) CatchUp(ctx context.Context, id string, change func(*order.Order) *order.Order) error {
	if !validID(id) {
		return order.ErrNotFound
	}
	return retry(ctx, func() error {
		there, as, err := s.get(ctx, id)
		if err != nil && !errors.Is(err, order.ErrNotFound) {
			return err
		}
		o := change(there)
		if o == nil {
			return nil
		}
		fields := orderFields(o, false)
		if there == nil {
			as = time.Time{}
			if fields, err = newFields(o); err != nil {
				return err
			}
		}
		if err := s.journalFields(id, fields, &o.Journal, there == nil); err != nil {
			return err
		}
		_, err = commit(ctx, s.db, Write{Path: "orders/" + id, Fields: fields, As: as})
		return err
	})
}

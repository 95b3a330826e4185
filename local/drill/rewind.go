// Package drill rehearses a disaster on a running local stack: databases restored, each to another second, while the
// payment provider, messages and sagas are where they were.
package drill

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
)

// Rewound is what a restore changed in one database.
type Rewound struct {
	Database       string
	To             time.Time
	Documents      int // there were then
	Older, Removed int // of those that are there now
}

// Rewind puts a database back to a moment: what was written since is as it was, or gone. It reads the past as
// point-in-time recovery lets one read it.
func Rewind(ctx context.Context, project, database string, to time.Time) (Rewound, error) {
	r := Rewound{Database: database, To: to.Truncate(time.Microsecond)}
	client, err := firestore.NewClientWithDatabase(ctx, project, database)
	if err != nil {
		return r, err
	}
	defer client.Close()
	collections, err := client.Collections(ctx).GetAll()
	if err != nil {
		return r, fmt.Errorf("list the collections of %s: %w", database, err)
	}
	for _, c := range collections {
		if err := r.rewind(ctx, client, c.ID); err != nil {
			return r, fmt.Errorf("restore %s/%s to %s: %w", database, c.ID, r.To.Format(time.RFC3339Nano), err)
		}
	}
	return r, nil
}

func (r *Rewound) rewind(ctx context.Context, client *firestore.Client, collection string) error {
	then, err := documents(ctx, client.Collection(collection).WithReadOptions(firestore.ReadTime(r.To)).Query)
	if err != nil {
		return err
	}
	now, err := documents(ctx, client.Collection(collection).Query)
	if err != nil {
		return err
	}
	r.Documents += len(then)
	var changes []func(*firestore.Transaction) error
	for id, d := range then {
		if n, there := now[id]; !there || !reflect.DeepEqual(d.Data(), n.Data()) {
			r.Older++
			changes = append(changes, func(tx *firestore.Transaction) error { return tx.Set(d.Ref, d.Data()) })
		}
	}
	for id, d := range now {
		if _, there := then[id]; !there {
			r.Removed++
			changes = append(changes, func(tx *firestore.Transaction) error { return tx.Delete(d.Ref) })
		}
	}
	return commit(ctx, client, changes)
}

// mostWrites is how many writes one commit takes here.
const mostWrites = 400

func commit(ctx context.Context, client *firestore.Client, changes []func(*firestore.Transaction) error) error {
	for part := range slices.Chunk(changes, mostWrites) {
		err := client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			for _, change := range part {
				if err := change(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func documents(ctx context.Context, q firestore.Query) (map[string]*firestore.DocumentSnapshot, error) {
	found := map[string]*firestore.DocumentSnapshot{}
	for it := q.Documents(ctx); ; {
		d, err := it.Next()
		if errors.Is(err, iterator.Done) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		found[d.Ref.ID] = d
	}
}

package store

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"
)

// OldestUnpublished is since when the oldest event of a collection's journals is not known to be published; zero if all are.
func OldestUnpublished(ctx context.Context, db Database, collection string) (oldest time.Time, err error) {
	for shard := range int64(shards) {
		documents, err := db.Query(ctx, Query{
			Collection: collection, Limit: 1,
			Where:   []Where{{fieldShard, "==", shard}, {fieldUnpublished, ">", time.Time{}}},
			OrderBy: []Order{{Field: fieldUnpublished}},
		})
		if err != nil {
			return oldest, err
		}
		for _, d := range documents {
			if at := d.timestamp(fieldUnpublished); oldest.IsZero() || at.Before(oldest) {
				oldest = at
			}
		}
	}
	return oldest, nil
}

// Clock is the database's time, about as of the middle of the call.
func (f *Firestore) Clock(ctx context.Context) (time.Time, error) {
	nothing := f.client.Collection("clock").NewDoc() // what is not there is read at a time, too
	snapshots, err := f.client.GetAll(ctx, []*firestore.DocumentRef{nothing})
	if err != nil {
		return time.Time{}, f.failed(err, "read", "clock")
	}
	return snapshots[0].ReadTime, nil
}

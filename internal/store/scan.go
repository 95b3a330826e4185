package store

import (
	"context"
	"path"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// scanPage is how many documents a scan reads at once.
const scanPage = 300

// ReadAll reads orders by id, in the order asked; one that is not there is nil.
func ReadAll(ctx context.Context, db Database, ids []string) ([]*order.Order, error) {
	out := make([]*order.Order, 0, len(ids))
	for start := 0; start < len(ids); start += scanPage {
		var paths []string
		for _, id := range ids[start:min(start+scanPage, len(ids))] {
			paths = append(paths, "orders/"+id)
		}
		documents, err := db.Get(ctx, paths...)
		if err != nil {
			return nil, err
		}
		for _, d := range documents {
			if !d.Exists() {
				out = append(out, nil)
				continue
			}
			o, err := readOrder(d)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	return out, nil
}

// Scan calls f with every order, by id.
func Scan(ctx context.Context, db Database, f func(*order.Order)) error {
	q := Query{Collection: "orders", OrderBy: []Order{{Field: DocumentID}}, Limit: scanPage}
	for {
		documents, err := db.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range documents {
			o, err := readOrder(d)
			if err != nil {
				return err
			}
			f(o)
		}
		if len(documents) < scanPage {
			return nil
		}
		q.After = []any{path.Base(documents[len(documents)-1].Path)}
	}
}

// JournalOf reads the journal of one aggregate; an empty one if there is none.
func JournalOf(ctx context.Context, db Database, collection, id string) (journal.Journal, error) {
	documents, err := db.Get(ctx, collection+"/"+id)
	if err != nil || !documents[0].Exists() {
		return journal.Journal{}, err
	}
	return journal.Unmarshal(documents[0].bytes(fieldJournal), documents[0].number(fieldPublished))
}

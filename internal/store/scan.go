package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"path"
	"time"

	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
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

// ScanDocuments calls f with every document of a collection, by id, as it is stored.
func ScanDocuments(ctx context.Context, db Database, collection string, f func(Document)) error {
	q := Query{Collection: collection, OrderBy: []Order{{Field: DocumentID}}, Limit: scanPage}
	for {
		documents, err := db.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, d := range documents {
			f(d)
		}
		if len(documents) < scanPage {
			return nil
		}
		q.After = []any{path.Base(documents[len(documents)-1].Path)}
	}
}

// ReadOrder reads an order from its document. An error is DATA_LOSS, as with all of these.
func ReadOrder(d Document) (*order.Order, error) { return readOrder(d) }

// ReadPayment reads a payment from its document.
func ReadPayment(d Document) (*payment.Payment, error) { return readPayment(d) }

// ReadReservation reads a reservation from its document. With an error it answers what could be read, as far as whose
// it is; nil if not even that.
func ReadReservation(d Document) (*inventory.Reservation, error) {
	id, err := base64.RawURLEncoding.DecodeString(path.Base(d.Path)) // docID made it
	if err != nil {
		return nil, corrupt(d, err)
	}
	r := &inventory.Reservation{OrderID: string(id), State: inventory.State(d.number("state")), Short: d.text("short"), Version: d.UpdateTime}
	if err := json.Unmarshal(d.bytes("quantities"), &r.Quantities); err != nil {
		return r, corrupt(d, err)
	}
	return r, nil
}

// ReadStock reads a product's stock from its document.
func ReadStock(d Document) *inventory.Stock {
	return &inventory.Stock{
		SKU: d.text("sku"), Available: d.number("available"), Held: d.number("held"), Stated: d.number("stated"),
		Adjusted: d.number(fieldAdjusted), Version: d.UpdateTime,
	}
}

// QueryFields are what a document of an aggregate repeats beside its journal, for queries and sweeps. A time is zero
// where there is no such field.
type QueryFields struct {
	Status, CustomerID string
	CreateTime         time.Time
	InSweep            bool // sweep-orders' shard is there
	NextAttempt        time.Time
	InJournalSweep     bool // sweep-journals' shard is there
	Unpublished        time.Time
}

// ReadQueryFields reads them as they are stored, right or wrong.
func ReadQueryFields(d Document) QueryFields {
	_, swept := d.Fields[fieldSweepShard]
	_, unpublished := d.Fields[fieldShard]
	return QueryFields{
		Status: d.text(fieldStatus), CustomerID: d.text(fieldCustomer), CreateTime: d.timestamp(fieldCreated),
		InSweep: swept, NextAttempt: d.timestamp(fieldNextAttempt),
		InJournalSweep: unpublished, Unpublished: d.timestamp(fieldUnpublished),
	}
}

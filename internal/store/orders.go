package store

import (
	"context"
	"errors"
	"path"
	"time"

	"google.golang.org/protobuf/proto"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// Orders is order.Store: one document an order, orders/{id}.
type Orders struct {
	outbox
}

// NewOrders keeps orders in db. By now the sweep later finds what is unpublished.
func NewOrders(db Database, p Publisher, now func() time.Time) *Orders {
	return &Orders{outbox{db: db, publisher: p, collection: "orders", now: now}}
}

// Fields of an order beside those of its journal. Those for queries repeat what the journal says.
const (
	fieldCustomer    = "customer_id"
	fieldStatus      = "status"
	fieldCreated     = "create_time"
	fieldFingerprint = "fingerprint"
	fieldOrigin      = "origin"
	fieldDetails     = "details" // orderflow.order.v1.PlaceOrderRequest: the personal data, and nothing else
	fieldSweepShard  = "sweep_shard"
	fieldNextAttempt = "next_attempt_time"
	fieldAttempts    = "attempts"
)

// Create implements order.Store.
func (s *Orders) Create(ctx context.Context, o *order.Order) error {
	fields, err := newFields(o)
	if err != nil {
		return err
	}
	_, err = s.commit(ctx, o.ID, fields, &o.Journal, time.Time{}, false)
	if errors.Is(err, ErrConflict) {
		return order.ErrExists
	}
	return err
}

// newFields are all of a new order but those of its journal.
func newFields(o *order.Order) (fields Fields, err error) {
	fields = orderFields(o, true)
	fields[fieldCustomer], fields[fieldCreated] = o.CustomerID(), o.Created().GetEventTime().AsTime()
	if len(o.Fingerprint) > 0 {
		fields[fieldFingerprint] = o.Fingerprint
	}
	if o.Origin != "" {
		fields[fieldOrigin] = o.Origin
	}
	fields[fieldDetails], err = marshalDetails(o)
	return fields, err
}

// completed are, besides, the fields that a rebuilt order lacked.
func completed(fields Fields, o *order.Order) (err error) {
	fields[fieldFingerprint], fields[fieldOrigin] = o.Fingerprint, o.Origin
	if o.Origin == "" {
		fields[fieldOrigin] = Delete
	}
	fields[fieldDetails], err = marshalDetails(o)
	return err
}

func orderFields(o *order.Order, isNew bool) Fields {
	status, _ := o.Status()
	fields := Fields{fieldStatus: string(status), fieldAttempts: int64(o.Attempts)}
	switch {
	case !o.NextAttempt.IsZero():
		fields[fieldSweepShard], fields[fieldNextAttempt] = shardOf(o.ID), o.NextAttempt
	case !isNew:
		fields[fieldSweepShard], fields[fieldNextAttempt] = Delete, Delete
	}
	return fields
}

// Get implements order.Store.
func (s *Orders) Get(ctx context.Context, id string) (*order.Order, error) {
	o, _, err := s.get(ctx, id)
	return o, err
}

func (s *Orders) get(ctx context.Context, id string) (*order.Order, time.Time, error) {
	if !validID(id) {
		return nil, time.Time{}, order.ErrNotFound
	}
	documents, err := s.db.Get(ctx, "orders/"+id)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !documents[0].Exists() {
		return nil, time.Time{}, order.ErrNotFound
	}
	o, err := readOrder(documents[0])
	return o, documents[0].UpdateTime, err
}

// validID keeps what a caller made up from becoming a path: our ids are base32.
func validID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// Update implements order.Store.
func (s *Orders) Update(ctx context.Context, id string, change func(*order.Order) error) (*order.Order, error) {
	var o *order.Order
	err := retry(ctx, func() error {
		var (
			as  time.Time
			err error
		)
		if o, as, err = s.get(ctx, id); err != nil {
			return err
		}
		entries, next, attempts, rebuilt := len(o.Journal.Entries), o.NextAttempt, o.Attempts, o.Rebuilt()
		if err := change(o); err != nil {
			return err
		}
		fields := orderFields(o, false)
		if rebuilt && !o.Rebuilt() {
			if err := completed(fields, o); err != nil {
				return err
			}
		} else if len(o.Journal.Entries) == entries && o.NextAttempt.Truncate(time.Microsecond).Equal(next) && o.Attempts == attempts {
			return nil
		}
		_, err = s.commit(ctx, id, fields, &o.Journal, as, o.Final())
		return err
	})
	if err != nil {
		return nil, err // o may have been changed in vain
	}
	return o, nil
}

func readOrders(documents []Document) ([]*order.Order, error) {
	orders := make([]*order.Order, len(documents))
	for i, d := range documents {
		var err error
		if orders[i], err = readOrder(d); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func readOrder(d Document) (*order.Order, error) {
	j, err := journal.Unmarshal(d.bytes(fieldJournal), d.number(fieldPublished))
	if err != nil {
		return nil, corrupt(d, err)
	}
	o := &order.Order{
		ID: path.Base(d.Path), Journal: j, Fingerprint: d.bytes(fieldFingerprint), Origin: d.text(fieldOrigin),
		NextAttempt: d.timestamp(fieldNextAttempt), Attempts: int(d.number(fieldAttempts)),
	}
	if len(j.Entries) == 0 || o.Created() == nil {
		return nil, corrupt(d, errors.New("its journal does not begin with OrderCreated"))
	}
	var details orderv1.PlaceOrderRequest
	if err := proto.Unmarshal(d.bytes(fieldDetails), &details); err != nil {
		return nil, corrupt(d, err)
	}
	o.Note = details.GetNote()
	if a := details.GetShippingAddress(); a != nil {
		o.Address = &order.Address{Recipient: a.GetRecipient(), Lines: a.GetLines(), City: a.GetCity(), PostalCode: a.GetPostalCode(), CountryCode: a.GetCountryCode()}
	}
	return o, nil
}

func marshalDetails(o *order.Order) ([]byte, error) {
	details := &orderv1.PlaceOrderRequest{Note: o.Note}
	if a := o.Address; a != nil {
		details.ShippingAddress = &orderv1.Address{Recipient: a.Recipient, Lines: a.Lines, City: a.City, PostalCode: a.PostalCode, CountryCode: a.CountryCode}
	}
	return proto.Marshal(details)
}

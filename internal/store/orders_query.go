package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path"
	"time"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
)

// List implements order.Store. It runs on the indexes (customer_id, create_time desc) and (customer_id, status,
// create_time desc).
func (s *Orders) List(ctx context.Context, q order.ListQuery) ([]*order.Order, string, error) {
	query := Query{
		Collection: "orders", Limit: q.PageSize + 1,
		Where:   []Where{{fieldCustomer, "==", q.CustomerID}},
		OrderBy: []Order{{fieldCreated, true}, {DocumentID, true}},
	}
	if q.Status != "" {
		query.Where = append(query.Where, Where{fieldStatus, "==", string(q.Status)})
	}
	if q.PageToken != "" {
		after, err := readToken(q.PageToken)
		if err != nil {
			return nil, "", err
		}
		query.After = after
	}
	documents, err := s.db.Query(ctx, query)
	if err != nil {
		return nil, "", err
	}
	var token string
	if len(documents) > q.PageSize {
		documents = documents[:q.PageSize]
		token = pageToken(documents[q.PageSize-1])
	}
	orders, err := readOrders(documents)
	return orders, token, err
}

type listPosition struct {
	Created time.Time `json:"t"`
	ID      string    `json:"i"`
}

func pageToken(d Document) string {
	body, _ := json.Marshal(listPosition{d.timestamp(fieldCreated), path.Base(d.Path)}) // a time and a string marshal
	return base64.RawURLEncoding.EncodeToString(body)
}

func readToken(token string) ([]any, error) {
	var p listPosition
	body, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || !validID(p.ID) {
		return nil, fault.Invalid([]fault.Field{{Name: "page_token", Message: "is not one of ours: pass next_page_token of the page before"}})
	}
	return []any{p.Created, p.ID}, nil
}

// Due implements order.Store. It runs on the index (sweep_shard, next_attempt_time).
func (s *Orders) Due(ctx context.Context, now time.Time, limit int) ([]*order.Order, error) {
	var (
		due    []*order.Order
		failed []error
	)
	for shard := range int64(shards) {
		documents, err := s.db.Query(ctx, Query{
			Collection: "orders", Limit: max(limit/shards, 1),
			Where:   []Where{{fieldSweepShard, "==", shard}, {fieldNextAttempt, "<=", now}},
			OrderBy: []Order{{Field: fieldNextAttempt}},
		})
		failed = append(failed, err)
		for _, d := range documents {
			o, err := readOrder(d)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			due = append(due, o)
		}
	}
	return due, errors.Join(failed...)
}

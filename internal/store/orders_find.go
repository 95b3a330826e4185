package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"path"
	"time"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/telemetry"
)

// A page of Find looks at so many orders at most, findPage at a time, so that it ends however few match.
const (
	findLimit = 1000
	findPage  = 250
)

// findPosition is where the next page of Find begins: behind an order of a way through the orders.
type findPosition struct {
	Way   string    `json:"w"`
	Shard int64     `json:"s,omitempty"` // of the sweep's
	Time  time.Time `json:"t,omitzero"`  // of the field that the way is ordered by
	ID    string    `json:"i,omitempty"`
}

// The ways through the orders. There is none by time alone: an index on a growing time takes 500 writes a second.
const (
	byCustomer = "customer" // newest first
	bySweep    = "sweep"    // that have not ended, by when the sweep looks at them
	byID       = "id"       // all, in no order that means anything
)

// Find implements order.Store. It runs on the indexes (customer_id, create_time desc) and (sweep_shard, next_attempt_time),
// and otherwise by id: the rest of the question is asked of each order that it passes.
func (s *Orders) Find(ctx context.Context, q order.FindQuery) (found []*order.Order, next string, err error) {
	at, err := startOf(q)
	if err != nil {
		return nil, "", err
	}
	for seen := 0; seen < findLimit; {
		documents, err := s.db.Query(ctx, findQuery(q, at))
		if err != nil {
			return nil, "", err
		}
		for _, d := range documents {
			seen++
			at = behind(at, d)
			o, err := readOrder(d)
			if err != nil { // it keeps nobody from finding the others
				telemetry.Log(ctx, slog.LevelError, "an order cannot be read", slog.String("order_id", at.ID), slog.String("error", err.Error()))
				continue
			}
			if q.Selects(o) {
				found = append(found, o)
			}
			if len(found) == q.PageSize {
				return found, at.token(), nil
			}
		}
		if len(documents) == findPage {
			continue
		}
		if at.Way != bySweep || at.Shard == shards-1 {
			return found, "", nil
		}
		at = findPosition{Way: bySweep, Shard: at.Shard + 1}
	}
	return found, at.token(), nil
}

// startOf is where a page begins.
func startOf(q order.FindQuery) (at findPosition, err error) {
	switch {
	case q.CustomerID != "":
		at.Way = byCustomer
	case q.Unended || q.Stuck > 0:
		at.Way = bySweep
	default:
		at.Way = byID
	}
	if q.PageToken == "" {
		return at, nil
	}
	way := at.Way
	at.Way = ""
	body, err := base64.RawURLEncoding.DecodeString(q.PageToken)
	if err == nil {
		err = json.Unmarshal(body, &at)
	}
	if err != nil || at.Way != way || at.ID != "" && !validID(at.ID) || at.Shard < 0 || at.Shard >= shards {
		return at, fault.Invalid([]fault.Field{{Name: "page_token", Message: "is not one of this search: pass next_page_token of the page before, and nothing else changed"}})
	}
	return at, nil
}

func (p findPosition) token() string {
	body, _ := json.Marshal(p) // a number, a time and strings marshal
	return base64.RawURLEncoding.EncodeToString(body)
}

func behind(at findPosition, d Document) findPosition {
	at.ID = path.Base(d.Path)
	switch at.Way {
	case byCustomer:
		at.Time = d.timestamp(fieldCreated)
	case bySweep:
		at.Time = d.timestamp(fieldNextAttempt)
	}
	return at
}

func findQuery(q order.FindQuery, at findPosition) Query {
	query := Query{Collection: "orders", Limit: findPage}
	switch at.Way {
	case byCustomer:
		query.Where = []Where{{fieldCustomer, "==", q.CustomerID}}
		query.OrderBy = []Order{{fieldCreated, true}, {DocumentID, true}}
	case bySweep:
		query.Where = []Where{{fieldSweepShard, "==", at.Shard}}
		query.OrderBy = []Order{{Field: fieldNextAttempt}, {Field: DocumentID}}
	default:
		query.OrderBy = []Order{{Field: DocumentID}}
	}
	switch {
	case at.ID == "":
	case at.Way == byID:
		query.After = []any{at.ID}
	default:
		query.After = []any{at.Time, at.ID}
	}
	return query
}

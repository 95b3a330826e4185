package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/telemetry"
)

type movement struct {
	Seq      int       `json:"seq"`
	Time     time.Time `json:"time"`
	Type     string    `json:"type"`
	Key      string    `json:"idempotency_key"`
	Amount   int64     `json:"amount"`
	Currency string    `json:"currency"`
}

// Movements implements payment.Ledger. A page of the sandbox's ends where its limit does.
func (s *Sandbox) Movements(ctx context.Context, w payment.Window) (page []payment.Movement, next string, err error) {
	telemetry.Count(ctx, "calls", 1)
	q := url.Values{"limit": {strconv.Itoa(w.Size)}}
	for name, at := range map[string]time.Time{"since": w.Since, "until": w.Until} {
		if !at.IsZero() {
			q.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if w.After != "" {
		q.Set("after", w.After)
	}
	raw, err := s.ask(ctx, http.MethodGet, "/v1/ledger?"+q.Encode(), nil, maxPage)
	if err != nil {
		return nil, "", fmt.Errorf("read the payment provider's ledger: %w", err)
	}
	last := 0
	for d := json.NewDecoder(bytes.NewReader(raw)); ; {
		var m movement
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", fault.Wrap(err, codes.Unavailable, "", "read the payment provider's ledger")
		}
		last = m.Seq
		page = append(page, payment.Movement{
			ID: strconv.Itoa(m.Seq), Type: m.Type, OrderID: m.Key, Time: m.Time,
			Amount: &typev1.Money{CurrencyCode: m.Currency, MinorUnits: m.Amount},
		})
	}
	if len(page) == w.Size {
		next = strconv.Itoa(last)
	}
	return page, next, nil
}

// maxPage bounds what is read of a page of the ledger, in bytes.
const maxPage = 4 << 20

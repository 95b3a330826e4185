package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"orderflow.dev/internal/promise"
	"orderflow.dev/local/psp"
)

// Charge is what the provider's ledger says of an order.
type Charge struct {
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Refunded int64  `json:"refunded"`
}

// Net is what the provider keeps, in minor units.
func (c Charge) Net() int64 {
	if c.Status == "approved" || c.Status == "refunded" {
		return c.Amount - c.Refunded
	}
	return 0
}

// Charge asks the provider; the zero Charge if it never heard of the order.
func (in *Inspector) Charge(ctx context.Context, orderID string) (c Charge, err error) {
	resp, err := in.ask(ctx, "/v1/charges/"+orderID)
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusNotFound:
		return c, nil
	case http.StatusOK:
		return c, json.NewDecoder(resp.Body).Decode(&c)
	}
	return c, fmt.Errorf("ask the provider for the charge of order %s: %s", orderID, resp.Status)
}

// Movements are all entries of the provider's ledger, in order.
func (in *Inspector) Movements(ctx context.Context) (moved []promise.Movement, err error) {
	resp, err := in.ask(ctx, "/v1/ledger")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the provider for its ledger: %s", resp.Status)
	}
	for d := json.NewDecoder(resp.Body); ; {
		var m psp.Movement
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return moved, nil
		}
		if err != nil { // also of an answer that broke off, which More would take for its end
			return nil, fmt.Errorf("read the provider's ledger: %w", err)
		}
		moved = append(moved, promise.Movement{
			Type: m.Type, OrderID: m.IdempotencyKey, RefundKey: m.RefundKey, Amount: m.Amount, Currency: m.Currency,
		})
	}
}

// ask asks the provider; the caller closes the answer's body.
func (in *Inspector) ask(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, in.endpoints.Provider+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	return http.DefaultClient.Do(req)
}

// AtProvider waits until the provider has heard of an order's charge.
func (in *Inspector) AtProvider(ctx context.Context, orderID string) error {
	for {
		c, err := in.Charge(ctx, orderID)
		if err != nil || c.Status != "" {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("order %s never reached the provider: %w", orderID, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

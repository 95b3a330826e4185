// Package provider is the adapters to payment providers, one file each.
package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/telemetry"
)

// SandboxConfig leads to a sandbox provider, a stand-in with a ledger of its own.
type SandboxConfig struct {
	URL     string        `env:"PAYMENT_PROVIDER_URL, required"`
	APIKey  string        `env:"PAYMENT_PROVIDER_KEY, required"`
	Timeout time.Duration `env:"PAYMENT_PROVIDER_TIMEOUT, default=5s"` // after which a call's outcome is unknown
}

// Sandbox is payment.Provider over the sandbox's HTTP API.
type Sandbox struct {
	cfg    SandboxConfig
	client *http.Client
}

// NewSandbox makes the adapter; it asks the provider nothing yet.
func NewSandbox(cfg SandboxConfig) *Sandbox {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 100
	return &Sandbox{cfg: cfg, client: &http.Client{Timeout: cfg.Timeout, Transport: transport}}
}

type charge struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Refunded int64  `json:"refunded"`
}

// known is a charge as the domain knows it. A key that was voided before it was charged has no amount.
func (c charge) known() payment.Charge {
	known := payment.Charge{ID: c.ID, Status: payment.ChargeStatus(c.Status), Refunded: c.Refunded}
	if c.Currency != "" {
		known.Amount = &typev1.Money{CurrencyCode: c.Currency, MinorUnits: c.Amount}
	}
	return known
}

// Charge implements payment.Provider. A payment method that the provider does not take is a decline.
func (s *Sandbox) Charge(ctx context.Context, key string, amount *typev1.Money, method string) (payment.Charge, error) {
	c, err := s.charge(ctx, http.MethodPost, "/v1/charges", map[string]any{
		"idempotency_key": key, "amount": amount.GetMinorUnits(), "currency": amount.GetCurrencyCode(), "payment_method": method,
	})
	if fault.Reason(err) == "method_refused" {
		return payment.Charge{Status: payment.ChargeDeclined}, nil
	}
	return c, err
}

// Find implements payment.Provider.
func (s *Sandbox) Find(ctx context.Context, key string) (payment.Charge, error) {
	c, err := s.charge(ctx, http.MethodGet, "/v1/charges/"+url.PathEscape(key), nil)
	if fault.Code(err) == codes.NotFound {
		return c, payment.ErrUnknownCharge
	}
	return c, err
}

// Void implements payment.Provider.
func (s *Sandbox) Void(ctx context.Context, key string) (payment.Charge, error) {
	return s.charge(ctx, http.MethodPost, "/v1/charges/"+url.PathEscape(key)+"/void", map[string]any{})
}

// Refund implements payment.Provider.
func (s *Sandbox) Refund(ctx context.Context, key string, amount *typev1.Money) error {
	_, err := s.charge(ctx, http.MethodPost, "/v1/charges/"+url.PathEscape(key)+"/refund", map[string]any{"amount": amount.GetMinorUnits()})
	return err
}

// RefundAmount implements payment.Provider.
func (s *Sandbox) RefundAmount(ctx context.Context, key, refundKey string, amount *typev1.Money) error {
	_, err := s.charge(ctx, http.MethodPost, "/v1/charges/"+url.PathEscape(key)+"/refunds", map[string]any{
		"idempotency_key": refundKey, "amount": amount.GetMinorUnits(), "currency": amount.GetCurrencyCode(),
	})
	return err
}

func (s *Sandbox) charge(ctx context.Context, method, path string, body any) (payment.Charge, error) {
	telemetry.Count(ctx, "calls", 1)
	var c charge
	if err := s.do(ctx, method, path, body, &c); err != nil {
		return payment.Charge{}, err
	}
	return c.known(), nil
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 10

func (s *Sandbox) do(ctx context.Context, method, path string, body, answer any) error {
	raw, err := s.ask(ctx, method, path, body, maxAnswer)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, answer)
}

// ask reads at most limit bytes of an answer.
func (s *Sandbox) ask(ctx context.Context, method, path string, body any, limit int64) ([]byte, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.cfg.URL+path, payload)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.cfg.APIKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fault.Wrap(err, codes.Unavailable, "", "ask the payment provider: %s %s", method, path)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return nil, fault.Wrap(err, codes.Unavailable, "", "ask the payment provider: %s %s", method, path)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, refused(resp.StatusCode, fmt.Sprintf("the payment provider answered %d to %s %s: %s", resp.StatusCode, method, path, strings.TrimSpace(string(raw))))
	}
	return raw, nil
}

// refused tells the request's own faults from the provider's trouble.
func refused(status int, text string) error {
	switch {
	case status == http.StatusNotFound:
		return fault.New(codes.NotFound, "", "%s", text)
	case status == http.StatusPaymentRequired:
		return fault.New(codes.InvalidArgument, "method_refused", "%s", text)
	case status == http.StatusTooManyRequests || status >= 500:
		return fault.New(codes.Unavailable, "", "%s", text)
	}
	return fault.New(codes.InvalidArgument, "provider_refused", "%s", text)
}

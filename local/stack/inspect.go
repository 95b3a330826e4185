package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/store"
)

// Inspector looks into a running stack from outside: its stores, its stock, its provider.
type Inspector struct {
	endpoints Endpoints
	orders    *store.Firestore
	payments  *store.Firestore
	inventory inventoryv1.InventoryServiceClient
}

// Inspect opens an inspector.
func Inspect(ctx context.Context, e Endpoints) (*Inspector, error) {
	e.Use()
	in := &Inspector{endpoints: e}
	var err error
	if in.orders, err = store.Open(ctx, Project, "orders"); err != nil {
		return nil, err
	}
	if in.payments, err = store.Open(ctx, Project, "payments"); err != nil {
		return nil, err
	}
	conn, err := rpc.Dial(ctx, e.Inventory)
	in.inventory = inventoryv1.NewInventoryServiceClient(conn)
	return in, err
}

// Inventory is the inventory service.
func (in *Inspector) Inventory() inventoryv1.InventoryServiceClient { return in.inventory }

// Orders reads orders by id.
func (in *Inspector) Orders(ctx context.Context, ids []string) ([]*order.Order, error) {
	return store.ReadAll(ctx, in.orders, ids)
}

// CountOrders is how many orders there are.
func (in *Inspector) CountOrders(ctx context.Context) (int64, error) {
	return in.orders.Count(ctx, "orders")
}

// EachOrder calls f with every order there is.
func (in *Inspector) EachOrder(ctx context.Context, f func(*order.Order)) error {
	return store.Scan(ctx, in.orders, f)
}

// Happening is one entry of an order's timeline.
type Happening struct {
	Time   time.Time
	Where  string // orders/1, payments/2: aggregate and seq
	What   string // OrderCreated
	Detail string
	Resume bool
}

// Timeline is what the journals of an order and its payment say, by time.
func (in *Inspector) Timeline(ctx context.Context, orderID string) ([]Happening, error) {
	return Stores{Orders: in.orders, Payments: in.payments}.Timeline(ctx, orderID)
}

// Timeline is what the journals of an order and its payment say, by time.
func (s Stores) Timeline(ctx context.Context, orderID string) ([]Happening, error) {
	var out []Happening
	for name, db := range map[string]store.Database{"orders": s.Orders, "payments": s.Payments} {
		j, err := store.JournalOf(ctx, db, name, orderID)
		if err != nil {
			return nil, err
		}
		for _, e := range j.Entries {
			out = append(out, happening(name, e))
		}
	}
	slices.SortStableFunc(out, func(a, b Happening) int { return a.Time.Compare(b.Time) })
	return out, nil
}

func happening(aggregate string, e journal.Entry) Happening {
	return Happened(api.Happening(aggregate, e))
}

// Happened is an entry of a timeline as operators are told of it. Who did it, and why, is part of its detail.
func Happened(h *operationsv1.Happening) Happening {
	out := Happening{Time: h.GetTime().AsTime(), Where: h.GetEntry(), What: h.GetEvent(), Detail: h.GetDetail(), Resume: h.GetResume()}
	if h.GetBy() != "" {
		out.Detail = strings.TrimSpace(fmt.Sprintf("%s by %s: %s", out.Detail, h.GetBy(), h.GetNote()))
	}
	return out
}

// Price writes an amount of a two-decimal currency.
func Price(m interface {
	GetCurrencyCode() string
	GetMinorUnits() int64
}) string {
	return fmt.Sprintf("%s %d.%02d", m.GetCurrencyCode(), m.GetMinorUnits()/100, m.GetMinorUnits()%100)
}

// Token asks the local issuer for a customer's token, for a day, with scopes.
func Token(ctx context.Context, e Endpoints, subject string, scopes ...string) (string, error) {
	form := url.Values{"subject": {subject}, "ttl_seconds": {"86400"}, "scope": {strings.Join(scopes, " ")}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the issuer for a token: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("ask the issuer for a token: %s (%v)", resp.Status, err)
	}
	return answer.Token, nil
}

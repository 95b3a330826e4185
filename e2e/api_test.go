package e2e

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
)

func request(method string, lines ...*orderv1.RequestedLine) *orderv1.PlaceOrderRequest {
	return &orderv1.PlaceOrderRequest{Lines: lines, PaymentMethod: method}
}

func line(sku string, quantity int32) *orderv1.RequestedLine {
	return &orderv1.RequestedLine{Sku: sku, Quantity: quantity}
}

func TestTheSameKeyMakesOneOrder(t *testing.T) {
	t.Parallel()
	c := customer(t, t.Name())
	first, err := c.Place(t.Context(), "k", request("pm_approve", line(Plenty, 1), line("teapot-white", 2), line(Plenty, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Await(t.Context(), first.Order.GetOrderId(), func(o *orderv1.Order) bool { return Final(o.GetStatus()) }); err != nil {
		t.Fatal(err)
	}
	again, err := c.Place(t.Context(), "k", request("pm_approve", line(Plenty, 2), line("teapot-white", 2)))
	if err != nil {
		t.Fatal(err)
	}
	if first.Replayed || !again.Replayed {
		t.Errorf("replayed: first %v, again %v; want false, true", first.Replayed, again.Replayed)
	}
	if !bytes.Equal(first.Body, again.Body) {
		t.Errorf("a replay must get the first answer to the byte:\n%s%s", first.Body, again.Body)
	}
	_, err = c.Place(t.Context(), "k", request("pm_approve", line(Plenty, 3)))
	if r, ok := errors.AsType[*Refused](err); !ok || r.Status != http.StatusUnprocessableEntity || r.Reason != "idempotency_key_reused" {
		t.Errorf("another request under the same key: %v, want 422 idempotency_key_reused", err)
	}
	other, err := customer(t, t.Name()+" other").Place(t.Context(), "k", request("pm_approve", line(Plenty, 3)))
	if err != nil || other.Order.GetOrderId() == first.Order.GetOrderId() {
		t.Errorf("another customer's same key: %v, want an order of its own", err)
	}
}

func TestBadOrdersAreRefusedWithEveryReason(t *testing.T) {
	t.Parallel()
	c := customer(t, t.Name())
	for _, tt := range []struct {
		name   string
		key    string
		req    *orderv1.PlaceOrderRequest
		status int
		fields []string
	}{
		{"no key", "", request("pm_approve", line(Plenty, 1)), 400, []string{"Idempotency-Key"}},
		{"everything wrong", "k", request("", line("", 0), line(Plenty, 10_001)), 400, []string{"lines[0].sku", "lines[0].quantity", "lines[1].quantity", "payment_method"}},
		{"no lines", "k", request("pm_approve"), 400, []string{"lines"}},
		{"unknown products", "k", request("pm_approve", line("nope", 1), line(Plenty, 1), line("neither", 1)), 422, []string{"lines.sku", "lines.sku"}},
		{"adds up to too many", "k", request("pm_approve", line(Plenty, 9_000), line(Plenty, 9_000)), 400, []string{"lines"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Place(t.Context(), tt.key, tt.req)
			r, ok := errors.AsType[*Refused](err)
			if !ok {
				t.Fatalf("got %v, want a refusal", err)
			}
			var fields []string
			for _, f := range r.Errors {
				fields = append(fields, f.Name)
			}
			if r.Status != tt.status || !cmp.Equal(fields, tt.fields) {
				t.Errorf("got %d %v, want %d %v", r.Status, fields, tt.status, tt.fields)
			}
		})
	}
}

func TestTheDoorRefusesWhatIsNoRequest(t *testing.T) {
	t.Parallel()
	c := customer(t, t.Name())
	for _, tt := range []struct {
		name, method, path, token, contentType, body string
		status                                       int
		allow                                        string
	}{
		{name: "no token", method: "POST", path: "/v1/orders", token: " ", status: 401},
		{name: "bad token", method: "POST", path: "/v1/orders", token: "e30.e30.e30", status: 401},
		{name: "wrong content type", method: "POST", path: "/v1/orders", contentType: "text/plain", body: "{}", status: 415},
		{name: "body too large", method: "POST", path: "/v1/orders", body: `{"note":"` + strings.Repeat("x", 256<<10) + `"}`, status: 413},
		{name: "unknown field", method: "POST", path: "/v1/orders", body: `{"price":1}`, status: 400},
		{name: "no JSON", method: "POST", path: "/v1/orders", body: `{`, status: 400},
		{name: "wrong method", method: "DELETE", path: "/v1/orders", status: 405, allow: "GET, POST"},
		{name: "no such order", method: "GET", path: "/v1/orders/nope", status: 404},
		{name: "no such path", method: "GET", path: "/v1/nothing", status: 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), tt.method, local.Gateway+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			token := c.Token
			if tt.token != "" {
				token = tt.token
			}
			req.Header.Set("Authorization", "Bearer "+token)
			req.Header.Set("Idempotency-Key", "k")
			req.Header.Set("Content-Type", "application/json")
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != tt.status || resp.Header.Get("Allow") != tt.allow {
				t.Errorf("got %d (Allow %q), want %d (%q)", resp.StatusCode, resp.Header.Get("Allow"), tt.status, tt.allow)
			}
			if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("Content-Type is %q, want application/problem+json", got)
			}
		})
	}
}

func TestACustomerSeesOwnOrdersOnly(t *testing.T) {
	t.Parallel()
	alice, bob := customer(t, t.Name()+" alice"), customer(t, t.Name()+" bob")
	placed, err := alice.Place(t.Context(), "k", request("pm_never", line(Plenty, 1)))
	if err != nil {
		t.Fatal(err)
	}
	id := placed.Order.GetOrderId()
	_, getErr := bob.Get(t.Context(), id)
	_, cancelErr := bob.Cancel(t.Context(), id)
	for what, err := range map[string]error{"get": getErr, "cancel": cancelErr} {
		if r, ok := errors.AsType[*Refused](err); !ok || r.Status != http.StatusNotFound {
			t.Errorf("%s of another's order: %v, want 404", what, err)
		}
	}
	page, err := bob.List(t.Context(), nil)
	if err != nil || len(page.GetOrders()) > 0 {
		t.Errorf("bob's list: %v %v, want none", page, err)
	}
	if _, err := alice.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestTheListIsNewestFirstAndStableUnderInserts(t *testing.T) {
	t.Parallel()
	c := customer(t, t.Name())
	var want []string
	place := func(key string) string {
		p, err := c.Place(t.Context(), key, request("pm_never", line(Plenty, 1)))
		if err != nil {
			t.Fatal(err)
		}
		return p.Order.GetOrderId()
	}
	for _, key := range []string{"1", "2", "3", "4", "5"} {
		want = append([]string{place(key)}, want...)
	}
	var got []string
	query := url.Values{"page_size": {"2"}}
	for {
		page, err := c.List(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.GetOrders() {
			got = append(got, o.GetOrderId())
		}
		if page.GetNextPageToken() == "" {
			break
		}
		query.Set("page_token", page.GetNextPageToken())
		place("new " + page.GetNextPageToken()[:8] + got[len(got)-1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	placed, err := c.List(t.Context(), url.Values{"status": {"CONFIRMED"}})
	if err != nil || len(placed.GetOrders()) != 0 {
		t.Errorf("status=CONFIRMED: %v %v, want none", placed, err)
	}
	_, err = c.List(t.Context(), url.Values{"status": {"LOST"}})
	if r, ok := errors.AsType[*Refused](err); !ok || r.Status != http.StatusBadRequest {
		t.Errorf("status=LOST: %v, want 400", err)
	}
}

func TestAnOrderReadsBackAsItWasAskedFor(t *testing.T) {
	t.Parallel()
	c := customer(t, t.Name())
	req := request("pm_never", line(Plenty, 2))
	req.Note = "ring twice\nplease"
	req.ShippingAddress = &orderv1.Address{Recipient: "Ada", Lines: []string{"1 Mill Lane"}, City: "Leeds", PostalCode: "LS1", CountryCode: "GB"}
	placed, err := c.Place(t.Context(), "k", req)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(t.Context(), placed.Order.GetOrderId())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(placed.Order, got, protocmp.Transform()); diff != "" {
		t.Errorf("read back (-placed +read):\n%s", diff)
	}
	if got.GetNote() != req.GetNote() || got.GetTotal().GetMinorUnits() != 1900 {
		t.Errorf("got %v", got)
	}
}

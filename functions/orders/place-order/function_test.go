package placeorder_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	_ "orderflow.dev/functions/orders/place-order"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/local/cloudtest"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Issuer, cloudtest.Service("inventory"), cloudtest.Selling("TEA", "Tea", 250))
}

const twoTeas = `{"lines":[{"sku":"TEA","quantity":1},{"sku":"TEA","quantity":1}],"payment_method":"pm_approve","note":"ring twice"}`

func place(t *testing.T, person, key, body string) cloudtest.Answer {
	t.Helper()
	h := cloudtest.Bearer(t, person)
	h["Idempotency-Key"] = key
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "place-order"), h, body)
}

func read(t *testing.T, a cloudtest.Answer) *orderv1.Order {
	t.Helper()
	var o orderv1.Order
	a.Read(t, &o)
	return &o
}

func TestOrderIsPricedWrittenAndPublished(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCreated")
	a := place(t, "alice", cloudtest.NewID(), twoTeas)
	o := read(t, a)
	if a.Status != 201 || a.Header.Get("Location") != "/v1/orders/"+o.GetOrderId() || a.Header.Get("Idempotent-Replayed") != "" {
		t.Errorf("answer %d %v %s", a.Status, a.Header, a.Body)
	}
	pounds := func(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }
	want := &orderv1.Order{
		OrderId: o.GetOrderId(), Status: orderv1.OrderStatus_ORDER_STATUS_PLACED, Total: pounds(500), PaymentMethod: "pm_approve", Note: "ring twice",
		Lines:      []*typev1.OrderLine{{Sku: "TEA", Name: "Tea", Quantity: 2, UnitPrice: pounds(250)}},
		CreateTime: o.GetCreateTime(), UpdateTime: o.GetCreateTime(), ExpireTime: o.GetExpireTime(),
	}
	if diff := cmp.Diff(want, o, protocmp.Transform()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if wait := o.GetExpireTime().AsTime().Sub(o.GetCreateTime().AsTime()).Minutes(); wait != 30 {
		t.Errorf("expires after %v minutes, want 30", wait)
	}
	var e eventv1.OrderCreated
	tap.One(o.GetOrderId(), &e)
	wantEvent := &eventv1.OrderCreated{
		OrderId: o.GetOrderId(), Seq: 1, EventTime: o.GetCreateTime(), CustomerId: cloudtest.CustomerID("alice"), Lines: want.GetLines(),
		Total: want.GetTotal(), PaymentMethod: "pm_approve", ExpireTime: o.GetExpireTime(),
	}
	if diff := cmp.Diff(wantEvent, &e, protocmp.Transform()); diff != "" {
		t.Errorf("event (-want +got); personal data has no place in it:\n%s", diff)
	}
}

func TestRetryGetsTheFirstAnswerEvenAfterThePriceChanged(t *testing.T) {
	t.Parallel()
	if err := cloudtest.Selling("COCOA", "Cocoa", 300)(t.Context()); err != nil {
		t.Fatal(err)
	}
	key, body := cloudtest.NewID(), strings.ReplaceAll(twoTeas, "TEA", "COCOA")
	first := place(t, "alice", key, body)
	if err := cloudtest.Selling("COCOA", "Cocoa, dear", 900)(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := place(t, "alice", key, body)
	if again.Status != 201 || again.Body != first.Body || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %d %v\n%swant the first answer:\n%s", again.Status, again.Header, again.Body, first.Body)
	}
	if got := cloudtest.Journal(t, "orders", read(t, first).GetOrderId()); len(got) != 1 {
		t.Errorf("journal %v", got)
	}
	if other := place(t, "bob", key, body); read(t, other).GetOrderId() == read(t, first).GetOrderId() {
		t.Error("two customers with one key share an order")
	}
	changed := place(t, "alice", key, strings.Replace(body, "ring twice", "ring once", 1))
	if changed.Status != 422 || cloudtest.Reason(t, changed) != "idempotency_key_reused" {
		t.Errorf("another request with the key: %d %s, want 422", changed.Status, changed.Body)
	}
}

func TestManyAtOnceWithOneKeyMakeOneOrder(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCreated")
	key := cloudtest.NewID()
	answers := make([]cloudtest.Answer, 10)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = place(t, "alice", key, twoTeas) })
	}
	wg.Wait()
	fresh := 0
	for _, a := range answers {
		if a.Status != 201 || a.Body != answers[0].Body {
			t.Errorf("answer %d %s, want 201 %s", a.Status, a.Body, answers[0].Body)
		}
		if a.Header.Get("Idempotent-Replayed") == "" {
			fresh++
		}
	}
	if n := len(tap.About(read(t, answers[0]).GetOrderId())); fresh != 1 || n != 1 {
		t.Errorf("%d answers say they made it and %d events were published, want 1 and 1", fresh, n)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderCreated")
	line := func(l string) string { return `{"lines":[` + l + `],"payment_method":"pm_approve"}` }
	for name, c := range map[string]struct {
		key, body string
		status    int
		reason    string
	}{
		"no key":               {"", twoTeas, 400, "invalid_request"},
		"no lines":             {"k", `{"payment_method":"pm_approve"}`, 400, "invalid_request"},
		"nothing of something": {"k", line(`{"sku":"TEA","quantity":0}`), 400, "invalid_request"},
		"too much of it":       {"k", line(`{"sku":"TEA","quantity":6000},{"sku":"TEA","quantity":6000}`), 400, "invalid_request"},
		"a price of her own":   {"k", line(`{"sku":"TEA","quantity":1,"unit_price":1}`), 400, "invalid_json"},
		"an unknown product":   {"k", line(`{"sku":"GOLD","quantity":1}`), 422, "unknown_sku"},
		"no JSON":              {"k", `<xml/>`, 400, "invalid_json"},
	} {
		if a := place(t, "refused", c.key, c.body); a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	for _, m := range tap.All() {
		if strings.Contains(string(m.Data), cloudtest.CustomerID("refused")) {
			t.Errorf("a refused order was published: %v", m.Attributes)
		}
	}
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "place-order"), nil, twoTeas); a.Status != 401 {
		t.Errorf("nobody: answer %d %s, want 401", a.Status, a.Body)
	}
}

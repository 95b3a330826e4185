package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/promise"
	"orderflow.dev/local/psp"
)

const products = 6

func sku(i int) string { return string(rune('a' + i)) }

// price of a product in pence: one is free.
func price(i int) *typev1.Money {
	return &typev1.Money{CurrencyCode: "GBP", MinorUnits: int64(i) * 150}
}

var methods = []string{
	psp.MethodApprove, psp.MethodApprove, psp.MethodApprove, psp.MethodDecline, psp.MethodPending, psp.MethodPending,
	psp.MethodPendingDecline, psp.MethodNever, psp.MethodTimeoutCharged, psp.MethodTimeoutNotCharged, psp.MethodFlaky,
}

// customer places one order, looks at it now and then, and may want it cancelled.
type customer struct {
	*task
	id, key string
	body    []byte
	d       dice
}

func (s *sim) customer(i int) *customer {
	d := s.dice.of("customer", i)
	c := &customer{id: fmt.Sprintf("customer-%d", i%7), key: fmt.Sprintf("key-%d", i), d: d, body: basket(d)}
	c.task = &task{sim: s, dice: d, who: "customer", order: (&order.Request{CustomerID: c.id, IdempotencyKey: c.key}).OrderID()}
	return c
}

func basket(d dice) []byte {
	type line struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	}
	lines := make([]line, 1+d.of("lines", 0).below(3))
	for i := range lines {
		l := d.of("line", i)
		lines[i] = line{sku(l.of("sku", 0).below(products)), 1 + l.of("quantity", 0).below(3)}
	}
	return encode(map[string]any{"lines": lines, "payment_method": methods[d.of("method", 0).below(len(methods))]})
}

// shop is all that a customer does.
func (c *customer) shop() {
	time.Sleep(c.arrives())
	if c.d.of("doubled", 0).float() < 0.1 { // an impatient one, or a proxy
		c.sim.spawn(func() {
			time.Sleep(c.d.of("doubled", 1).between(time.Millisecond, time.Second))
			c.place(c.body)
		})
	}
	if c.d.of("cancels", 0).float() < 0.2 {
		c.sim.spawn(func() {
			time.Sleep(c.d.of("cancels", 1).between(10*time.Millisecond, 40*time.Minute))
			c.cancel()
		})
	}
	placed := c.place(c.body)
	if placed && c.d.of("reuses", 0).float() < 0.1 {
		c.place(encode(map[string]any{"lines": []map[string]any{{"sku": "b", "quantity": 100}}, "payment_method": psp.MethodApprove}))
	}
	for n := range c.d.of("looks", 0).below(5) {
		time.Sleep(c.d.of("look", n).between(10*time.Millisecond, 15*time.Minute))
		c.look(n%2 == 1)
	}
}

// arrives is when the customer comes.
func (c *customer) arrives() time.Duration {
	return time.Duration(c.d.of("arrives", 0).float() * float64(c.sim.window))
}

// place orders under the customer's key until there is an answer, for a while.
func (c *customer) place(body []byte) (placed bool) {
	for range 2 + c.d.of("tries", 0).below(8) {
		a := promise.Answer{CustomerID: c.id, IdempotencyKey: c.key, Request: string(body), Asked: time.Now()}
		resp, text, err := c.ask("place-order", func() *http.Request {
			r := post("http://place-order/v1/orders", body)
			r.Header.Set("Idempotency-Key", c.key)
			return r
		})
		if err == nil && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != 499 {
			c.answered(a, resp.StatusCode, text)
			return resp.StatusCode == http.StatusCreated
		}
		c.sim.record(func(h *promise.History) { h.Answers = append(h.Answers, a) }) // it may have been taken all the same
		time.Sleep(c.at("again", "").dice.between(100*time.Millisecond, 30*time.Second))
	}
	return false
}

func (c *customer) answered(a promise.Answer, status int, text string) {
	var body struct {
		OrderID string `json:"order_id"`
		Reason  string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		panic(err)
	}
	a.Status, a.Answered, a.Reason = status, time.Now(), body.Reason
	if status == http.StatusCreated {
		a.Body, a.OrderID = text, body.OrderID
	}
	c.sim.record(func(h *promise.History) { h.Answers = append(h.Answers, a) })
}

// ask sends a request and notes what came of it.
func (c *customer) ask(unit string, request func() *http.Request) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(c.in(c.sim.ctx), 30*time.Second)
	defer cancel()
	resp, err := c.call(ctx, unit, c.order, func() *http.Request {
		r := request()
		r.Header.Set("X-Customer", c.id)
		return r
	})
	c.note("", unit+" → "+failed(resp, err))
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

type seen struct {
	OrderID string `json:"order_id"`
	Status  string `json:"status"`
}

func (c *customer) saw(asked time.Time, v seen) {
	c.sim.record(func(h *promise.History) {
		h.Readings = append(h.Readings, promise.Reading{
			CustomerID: c.id, OrderID: v.OrderID, Status: status(v.Status), Asked: asked, Answered: time.Now(),
		})
	})
}

const statusPrefix = "ORDER_STATUS_"

func status(wire string) string { return wire[min(len(statusPrefix), len(wire)):] }

// look asks for the order, or for all of the customer's.
func (c *customer) look(all bool) {
	unit, url := "get-order", "http://get-order/v1/orders?id="+c.order
	if all {
		unit, url = "list-orders", "http://list-orders/v1/orders?page_size=100"
	}
	asked := time.Now()
	resp, text, err := c.ask(unit, func() *http.Request {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			panic(err)
		}
		return r
	})
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusNotFound:
		c.saw(asked, seen{OrderID: c.order})
	case resp.StatusCode != http.StatusOK:
	case all:
		c.listed(asked, text)
	default:
		c.saw(asked, decode[seen](text))
	}
}

// listed sees every order of a page, and the customer's own even where it is missing.
func (c *customer) listed(asked time.Time, text string) {
	page := decode[struct {
		Orders []seen `json:"orders"`
		Next   string `json:"next_page_token"`
	}](text)
	missing := page.Next == ""
	for _, v := range page.Orders {
		missing = missing && v.OrderID != c.order
		c.saw(asked, v)
	}
	if missing {
		c.saw(asked, seen{OrderID: c.order})
	}
}

func decode[T any](text string) (v T) {
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

// cancel asks that the order be cancelled, until there is an answer.
func (c *customer) cancel() {
	for range 5 {
		asked := time.Now()
		c.sim.record(func(h *promise.History) {
			h.Asked = append(h.Asked, promise.Asked{OrderID: c.order, CustomerID: c.id, At: asked})
		})
		resp, text, err := c.ask("request-cancellation", func() *http.Request {
			return post("http://request-cancellation/v1/orders/x/cancellation?id="+c.order, nil)
		})
		if err == nil && resp.StatusCode == http.StatusOK {
			c.saw(asked, decode[seen](text))
		}
		if err == nil && resp.StatusCode < 500 {
			return
		}
		time.Sleep(c.at("again", "").dice.between(100*time.Millisecond, time.Minute))
	}
}

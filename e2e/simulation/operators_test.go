package simulation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/promise"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
)

// operator is somebody who now and then does something to an order by hand, whether or not it makes sense.
type operator struct {
	*task
	name string
	d    dice
}

func (s *sim) operator(i int) *operator {
	d := s.dice.of("operator", i)
	o := &operator{name: fmt.Sprintf("operator-%d", i%2), d: d}
	o.task = &task{sim: s, dice: d, who: "operator", order: s.customer(i).order}
	return o
}

// work is all that an operator does about one order.
func (o *operator) work(arrives time.Duration) {
	time.Sleep(arrives)
	for n, act := range []struct {
		name   string
		chance float64
	}{{"ACT_CANCEL", 0.07}, {"ACT_RETRY", 0.15}, {"ACT_CLOSE", 0.1}, {"ACT_REFUND", 0.25}, {"ACT_REFUND", 0.25}, {"", 0.1}} {
		d := o.d.of("act", n)
		if d.float() >= act.chance {
			continue
		}
		o.sim.spawn(func() {
			time.Sleep(d.of("when", 0).between(100*time.Millisecond, 50*time.Minute))
			if act.name == "" {
				o.adjust(n, d)
				return
			}
			o.act(n, act.name, d)
		})
	}
}

// act does one thing until there is an answer, for a while. Under its key that is done once.
func (o *operator) act(n int, act string, d dice) {
	body := map[string]any{"act": act, "reason": "why not"}
	if part := d.of("amount", 0).below(4); act == "ACT_REFUND" && part > 0 {
		body["amount"] = map[string]any{"currency_code": "GBP", "minor_units": fmt.Sprint(150 * part)}
	}
	if act == "ACT_CANCEL" {
		o.sim.record(func(h *promise.History) {
			h.Asked = append(h.Asked, promise.Asked{OrderID: o.order, Operator: o.name, At: time.Now()})
		})
	}
	const url = "http://operate-order/v1/operations/orders/x/acts?id="
	if act == "ACT_REFUND" && d.of("two", 0).float() < 0.4 { // a colleague has the same idea
		o.sim.spawn(func() {
			time.Sleep(d.of("two", 1).between(time.Millisecond, 200*time.Millisecond))
			o.send(n+100, "operate-order", url+o.order, encode(body))
		})
	}
	o.send(n, "operate-order", url+o.order, encode(body))
}

// adjust corrects the stock of some product by a few, which may be held.
func (o *operator) adjust(n int, d dice) {
	delta := d.of("delta", 0).below(7) - 3
	if delta == 0 {
		delta = 4
	}
	o.send(n, "adjust-stock", "http://adjust-stock/v1/operations/stock/adjustments",
		encode(map[string]any{"sku": sku(d.of("sku", 0).below(products)), "delta": fmt.Sprint(delta), "reason": "counted again"}))
}

func (o *operator) send(n int, unit, url string, body []byte) {
	for range 6 {
		resp, err := o.request(unit, func() *http.Request {
			r := post(url, body)
			r.Header.Set("Idempotency-Key", fmt.Sprintf("%s-%d", o.order, n))
			return r
		})
		if err == nil && resp.StatusCode < 500 && resp.StatusCode != 499 {
			return
		}
		time.Sleep(o.at("again", fmt.Sprint(n)).dice.between(100*time.Millisecond, time.Minute))
	}
}

func (o *operator) request(unit string, request func() *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(o.in(o.sim.ctx), 30*time.Second)
	defer cancel()
	resp, err := o.call(ctx, unit, o.order, func() *http.Request {
		r := request()
		r.Header.Set("X-Customer", o.name)
		return r
	})
	o.note("", unit+" → "+failed(resp, err))
	return resp, err
}

// replayGivenUp is the operator who replays dead letters: refunds that were given up on are asked for again.
func (s *sim) replayGivenUp(w promise.World) {
	for _, o := range w.Orders {
		done := map[string]bool{}
		for _, e := range o.Journal.Entries {
			if r, ok := e.Event.(*eventv1.OrderRefunded); ok {
				done[r.GetRefundId()] = true
			}
		}
		for _, e := range o.Journal.Entries {
			asked, ok := e.Event.(*eventv1.OrderRefundRequested)
			id := event.FromJournal("orders", e).ID
			if !ok || done[asked.GetRefundId()] {
				continue
			}
			if n := s.gaveUp(promise.Letter{Consumer: "refund-payment", EventID: id}); n > s.replayed[id] {
				s.replayed[id] = n
				s.send(s.dice.of("given up "+id, n), "dead-letters replay", event.FromJournal("orders", e))
			}
		}
	}
}

// gaveUp is how often an event was given up on for a consumer.
func (s *sim) gaveUp(l promise.Letter) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.history.GivenUp {
		if g == l {
			n++
		}
	}
	return n
}

// service is how a process asks a service: as gRPC would, by its JSON door.
type service struct{ sim *sim }

func (s service) ask(ctx context.Context, unit, method string, req, answer proto.Message) error {
	body, err := protojson.Marshal(req)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, rpc.Timeout)
	defer cancel()
	t := taskOf(ctx)
	resp, err := t.call(ctx, unit, t.order, func() *http.Request { return post("http://"+unit+method, body) })
	t.alive()
	if err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == 499 {
		return fault.New(codes.Unavailable, "", "%s: %s", unit, failed(resp, err))
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fault.New(codes.FailedPrecondition, "refused", "%s: %s", unit, text)
	}
	return protojson.Unmarshal(text, answer)
}

const (
	paymentService   = "/orderflow.payment.v1.PaymentService/"
	inventoryService = "/orderflow.inventory.v1.InventoryService/"
)

// RefundAmount implements order.Refunder.
func (s service) RefundAmount(ctx context.Context, orderID, refundID string, amount *typev1.Money) error {
	return s.ask(ctx, "payment", paymentService+"RefundAmount",
		&paymentv1.RefundAmountRequest{OrderId: orderID, RefundId: refundID, Amount: amount}, &paymentv1.RefundAmountResponse{})
}

// RefundPayment implements order.Undoing.
func (s service) RefundPayment(ctx context.Context, orderID string) (typev1.PaymentState, error) {
	var resp paymentv1.RefundPaymentResponse
	err := s.ask(ctx, "payment", paymentService+"RefundPayment", &paymentv1.RefundPaymentRequest{OrderId: orderID}, &resp)
	return resp.GetPayment().GetState(), err
}

// ReleaseStock implements order.Undoing.
func (s service) ReleaseStock(ctx context.Context, orderID string) (typev1.ReservationState, error) {
	var resp inventoryv1.ReleaseStockResponse
	err := s.ask(ctx, "inventory", inventoryService+"ReleaseStock", &inventoryv1.ReleaseStockRequest{OrderId: orderID}, &resp)
	return resp.GetReservation().GetState(), err
}

func (s service) adjust(ctx context.Context, req *inventoryv1.AdjustStockRequest) (*inventoryv1.AdjustStockResponse, error) {
	var resp inventoryv1.AdjustStockResponse
	return &resp, s.ask(ctx, "inventory", inventoryService+"AdjustStock", req, &resp)
}

func (s service) item(ctx context.Context, sku string) (*inventoryv1.GetItemResponse, error) {
	var resp inventoryv1.GetItemResponse
	return &resp, s.ask(ctx, "inventory", inventoryService+"GetItem", &inventoryv1.GetItemRequest{Sku: sku}, &resp)
}

// Quote implements order.Catalogue.
func (s service) Quote(ctx context.Context, skus []string) (map[string]order.Quote, error) {
	var quotes inventoryv1.QuoteItemsResponse
	if err := s.ask(ctx, "inventory", inventoryService+"QuoteItems", &inventoryv1.QuoteItemsRequest{Skus: skus}, &quotes); err != nil {
		return nil, err
	}
	out := map[string]order.Quote{}
	for _, q := range quotes.GetQuotes() {
		out[q.GetSku()] = order.Quote{Name: q.GetName(), UnitPrice: q.GetUnitPrice()}
	}
	return out, nil
}

package ordeal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/e2e"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// Products: most are plentiful, one runs out half way.
const (
	plenty = "plenty"
	scarce = "scarce"
)

func (o Options) catalogue() []*inventoryv1.StatedItem {
	if len(o.Catalogue) > 0 {
		return o.Catalogue
	}
	return []*inventoryv1.StatedItem{
		e2e.Stated(plenty, "There is enough of it", 950, 1_000_000_000),
		e2e.Stated(scarce, "There is not enough of it", 8900, int64(o.Orders/20)),
	}
}

// methods are payment methods, each a way in which a provider behaves.
var methods = []string{
	"pm_approve", "pm_approve", "pm_approve", "pm_approve", "pm_pending", "pm_pending", "pm_decline", "pm_pending_decline",
	"pm_flaky", "pm_timeout_charged", "pm_timeout_not_charged", "pm_unheard_of",
}

// placed is what was placed.
type placed struct {
	mu           sync.Mutex
	acknowledged []promise.Acknowledgement
	imported     int
	replayed     int
	asked        map[string]time.Time // when, by order, of those that were not in files
	acts         atomic.Int64         // of operators, that were taken
	wrong        []string
}

func (p *placed) orders() int { return len(p.acknowledged) + p.imported }

const (
	customers   = 40
	fileOf      = 50 // orders a file
	everyNth    = 5  // of fifty orders comes by file
	stubbornFor = 2 * time.Minute
)

// placeAll places every order, however often it takes.
func (r *run) placeAll(ctx context.Context) error {
	tokens := make([]string, customers)
	for i := range tokens {
		var err error
		if tokens[i], err = stack.Token(ctx, r.stack.Endpoints, fmt.Sprint("customer-", i)); err != nil {
			return err
		}
	}
	operator, err := stack.Token(ctx, r.stack.Endpoints, "operator", e2e.OperatorScope)
	if err != nil {
		return err
	}
	r.operator = e2e.Operator{Customer: e2e.Customer{Gateway: r.stack.Gateway, Token: operator}}
	uploads, err := bucket.Open(ctx, unit.BucketName(stack.Project, "uploads"))
	if err != nil {
		return err
	}
	defer uploads.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Workers)
	for first := 0; first < r.Orders && ctx.Err() == nil; first += fileOf {
		n := min(fileOf, r.Orders-first)
		if first/fileOf%everyNth == everyNth-1 {
			g.Go(func() error { return r.importFile(ctx, uploads, first, n) })
			continue
		}
		for i := first; i < first+n; i++ {
			g.Go(func() error {
				c := e2e.Customer{Gateway: r.stack.Gateway, Token: tokens[i%customers]}
				return r.placeOne(ctx, c, i)
			})
		}
	}
	return g.Wait()
}

// chance is an order's own.
func (r *run) chance(i int) *rand.Rand { return rand.New(rand.NewPCG(r.Seed, uint64(i))) }

func (r *run) placeOne(ctx context.Context, c e2e.Customer, i int) error {
	chance, key, began := r.chance(i), fmt.Sprint("order-", i), time.Now()
	asked := r.request(i, chance)
	o, err := stubbornly(ctx, func() (*e2e.Placed, error) { return c.Place(ctx, key, asked) })
	if err != nil {
		return fmt.Errorf("place order %d: %w", i, err)
	}
	id := o.Order.GetOrderId()
	r.accepted(promise.Acknowledgement{OrderID: id}, began, o.Replayed)
	switch chance.IntN(20) {
	case 0: // sent again, as clients do
		again, err := stubbornly(ctx, func() (*e2e.Placed, error) { return c.Place(ctx, key, asked) })
		if err != nil {
			return fmt.Errorf("place order %d again: %w", i, err)
		}
		if again.Order.GetOrderId() != id || !bytes.Equal(again.Body, o.Body) {
			r.say("order %d was placed twice under one key: %s is not %s", i, again.Body, o.Body)
		}
	case 1: // it may be confirmed by then
		_, _ = c.Cancel(ctx, id)
	case 2, 3:
		return r.operate(ctx, chance, key)
	}
	return nil
}

// operate has an operator do something to an order that was placed before, twice under one key: give some of its money
// back, or start its saga again. Where it stands, it may be refused.
func (r *run) operate(ctx context.Context, chance *rand.Rand, key string) error {
	r.placed.mu.Lock()
	id := r.placed.acknowledged[chance.IntN(len(r.placed.acknowledged))].OrderID
	r.placed.mu.Unlock()
	act := &operationsv1.OperateOrderRequest{Act: operationsv1.Act_ACT_RETRY, Reason: "chaos"}
	if chance.IntN(3) > 0 {
		act.Act, act.Amount = operationsv1.Act_ACT_REFUND, &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1 + chance.Int64N(400)}
	}
	for range 2 {
		_, err := stubbornly(ctx, func() (*orderv1.Order, error) { return r.operator.Act(ctx, id, key, act) })
		if _, refused := errors.AsType[*e2e.Refused](err); err != nil && (!refused || e2e.Trouble(err)) {
			return fmt.Errorf("%s for order %s: %w", act.GetAct(), id, err)
		} else if err == nil {
			r.placed.acts.Add(1)
		}
	}
	return nil
}

// request is what an order asks for: a basket in turn, or by its chance.
func (r *run) request(i int, chance *rand.Rand) *orderv1.PlaceOrderRequest {
	if len(r.Baskets) > 0 {
		return &orderv1.PlaceOrderRequest{Lines: r.Baskets[i%len(r.Baskets)], PaymentMethod: methods[chance.IntN(len(methods))]}
	}
	lines := []*orderv1.RequestedLine{{Sku: plenty, Quantity: int32(1 + chance.IntN(4))}}
	if chance.IntN(8) == 0 {
		lines = append(lines, &orderv1.RequestedLine{Sku: scarce, Quantity: 1})
	}
	return &orderv1.PlaceOrderRequest{Lines: lines, PaymentMethod: methods[chance.IntN(len(methods))]}
}

func (r *run) accepted(a promise.Acknowledgement, asked time.Time, replayed bool) {
	r.placed.mu.Lock()
	defer r.placed.mu.Unlock()
	r.placed.acknowledged = append(r.placed.acknowledged, a)
	r.placed.asked[a.OrderID] = asked
	if replayed {
		r.placed.replayed++
	}
	r.Placed(r.placed.orders())
}

func (r *run) say(format string, args ...any) {
	r.placed.mu.Lock()
	defer r.placed.mu.Unlock()
	r.placed.wrong = append(r.placed.wrong, fmt.Sprintf(format, args...))
}

// importFile uploads a file of orders and waits for its report.
func (r *run) importFile(ctx context.Context, uploads *bucket.Bucket, first, n int) error {
	var text bytes.Buffer
	text.WriteString("order_ref,customer_id,sku,quantity,payment_method\n")
	for i := first; i < first+n; i++ {
		o := r.request(i, r.chance(i))
		for _, l := range o.GetLines() {
			fmt.Fprintf(&text, "ref-%d,customer-%d,%s,%d,%s\n", i, i%customers, l.GetSku(), l.GetQuantity(), o.GetPaymentMethod())
		}
	}
	w := uploads.Replace(ctx, fmt.Sprintf("orders/chaos/%06d.csv", first), "text/csv", nil)
	defer w.Abort()
	if _, err := w.Write(text.Bytes()); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	o := w.Object()
	return r.follow(ctx, importing.ID(o.Bucket, o.Name, o.Generation), n)
}

func (r *run) follow(ctx context.Context, id string, n int) error {
	token, err := stack.Token(ctx, r.stack.Endpoints, "team", "imports.read")
	if err != nil {
		return err
	}
	c := e2e.Customer{Gateway: r.stack.Gateway, Token: token}
	for deadline := time.Now().Add(r.Settle); ; {
		im, err := c.Import(ctx, id)
		switch state := im.GetState(); {
		case err == nil && state == importingv1.ImportState_IMPORT_STATE_DONE && int(im.GetOrders()) == n:
			r.placed.mu.Lock()
			defer r.placed.mu.Unlock()
			r.placed.imported += n
			r.Placed(r.placed.orders())
			return nil
		case err == nil && (state == importingv1.ImportState_IMPORT_STATE_DONE || state == importingv1.ImportState_IMPORT_STATE_FAILED):
			return fmt.Errorf("import %s of %d orders ended as %v", id, n, im)
		case time.Now().After(deadline):
			return fmt.Errorf("import %s did not end within %s: %v %w", id, r.Settle, im, err)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// stubbornly does again what ends in trouble.
func stubbornly[T any](ctx context.Context, do func() (T, error)) (T, error) {
	for deadline := time.Now().Add(stubbornFor); ; {
		out, err := do()
		if !e2e.Trouble(err) || ctx.Err() != nil || time.Now().After(deadline) {
			return out, err
		}
	}
}

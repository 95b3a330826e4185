package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"orderflow.dev"
	notifycustomer "orderflow.dev/functions/notifications/notify-customer"
	adjuststock "orderflow.dev/functions/operations/adjust-stock"
	findorders "orderflow.dev/functions/operations/find-orders"
	operateorder "orderflow.dev/functions/operations/operate-order"
	showorder "orderflow.dev/functions/operations/show-order"
	showstock "orderflow.dev/functions/operations/show-stock"
	cancelorder "orderflow.dev/functions/orders/cancel-order"
	closeorder "orderflow.dev/functions/orders/close-order"
	confirmorder "orderflow.dev/functions/orders/confirm-order"
	getorder "orderflow.dev/functions/orders/get-order"
	listorders "orderflow.dev/functions/orders/list-orders"
	placeorder "orderflow.dev/functions/orders/place-order"
	requestcancellation "orderflow.dev/functions/orders/request-cancellation"
	startfulfilment "orderflow.dev/functions/orders/start-fulfilment"
	paymentwebhook "orderflow.dev/functions/payments/payment-webhook"
	refundpayment "orderflow.dev/functions/payments/refund-payment"
	parkdeadletter "orderflow.dev/functions/platform/park-dead-letter"
	sweepjournals "orderflow.dev/functions/platform/sweep-journals"
	sweeporders "orderflow.dev/functions/platform/sweep-orders"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/notification"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/provider"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	inventoryservice "orderflow.dev/services/inventory"
	paymentservice "orderflow.dev/services/payment"
)

// As they are deployed.
const (
	expiry   = 30 * time.Minute
	patience = 2 * time.Minute
	grace    = time.Minute
	gather   = 3 * time.Millisecond
	maxSkew  = 5 * time.Second
)

// builds are how each unit's process is built over the simulated world, and how many of them there are.
var builds = map[string]struct {
	instances int
	build     build
}{
	"place-order": {2, func(p *process) http.Handler {
		return p.api("place-order", http.MethodPost, placeorder.Handler(order.Placing{
			Orders: p.orders(), Catalogue: service{p.sim}, Now: p.now, Expiry: expiry, Patience: patience,
		}))
	}},
	"get-order": {1, func(p *process) http.Handler {
		return p.api("get-order", http.MethodGet, getorder.Handler(order.Reading{Orders: p.orders()}))
	}},
	"list-orders": {1, func(p *process) http.Handler {
		return p.api("list-orders", http.MethodGet, listorders.Handler(order.Reading{Orders: p.orders()}))
	}},
	"request-cancellation": {1, func(p *process) http.Handler {
		return p.api("request-cancellation", http.MethodPost, requestcancellation.Handler(p.cancellation()))
	}},
	"start-fulfilment": {2, func(p *process) http.Handler {
		return function.ServeEvent("start-fulfilment", startfulfilment.Handler(order.Fulfilling{
			Orders: p.orders(), Saga: starter{p.sim}, Now: p.now,
		}), publisher{p.sim})
	}},
	"confirm-order": {2, func(p *process) http.Handler {
		return function.ServeCall("confirm-order", confirmorder.Handler(order.Confirming{Orders: p.orders(), Now: p.now, Patience: patience}))
	}},
	"cancel-order": {2, func(p *process) http.Handler {
		return function.ServeCall("cancel-order", cancelorder.Handler(p.cancellation()))
	}},
	"close-order": {2, func(p *process) http.Handler {
		return function.ServeCall("close-order", closeorder.Handler(p.cancellation()))
	}},
	"refund-payment": {2, func(p *process) http.Handler {
		return function.ServeEvent("refund-payment", refundpayment.Handler(order.Refunding{
			Orders: p.orders(), Refunder: service{p.sim}, Now: p.now,
		}), publisher{p.sim})
	}},
	"operate-order": {2, func(p *process) http.Handler {
		return p.api("operate-order", http.MethodPost, operateorder.Handler(order.Operating{
			Cancellation: p.cancellation(), Undoing: service{p.sim},
		}))
	}},
	"adjust-stock": {1, func(p *process) http.Handler {
		return p.api("adjust-stock", http.MethodPost, adjuststock.Handler(service{p.sim}.adjust))
	}},
	"find-orders": {1, func(p *process) http.Handler {
		return p.api("find-orders", http.MethodGet, findorders.Handler(order.Reading{Orders: p.orders()}, p.now))
	}},
	"show-order": {1, func(p *process) http.Handler {
		return p.api("show-order", http.MethodGet, showorder.Handler(p.orders(), p.payments(), store.NewInventory(p.sim.database("inventory"))))
	}},
	"show-stock": {1, func(p *process) http.Handler {
		return p.api("show-stock", http.MethodGet, showstock.Handler(service{p.sim}.item))
	}},
	"payment-webhook": {1, func(p *process) http.Handler {
		return function.ServeWebhook("payment-webhook", provider.MaxWebhook, paymentwebhook.Handler(webhooks, payment.Hearing{Payments: p.payments(), Now: p.now}))
	}},
	"notify-customer": {2, func(p *process) http.Handler {
		return function.ServeEvent("notify-customer", notifycustomer.Handler(notification.Notifying{
			Records: store.NewNotifications(p.sim.database("notifications")), Sender: mail{p.sim}, Now: p.now,
		}), publisher{p.sim})
	}},
	"park-dead-letter": {1, func(p *process) http.Handler {
		return function.ServeMessage("park-dead-letter", parkdeadletter.Handler(store.NewDeadLetters(p.sim.database("platform"), p.now)))
	}},
	"sweep-journals": {1, func(p *process) http.Handler {
		databases := map[string]store.Database{"orders": p.sim.database("orders"), "payments": p.sim.database("payments")}
		return function.ServeSchedule("sweep-journals", sweepjournals.Handler(databases, publisher{p.sim}, p.now, grace))
	}},
	"sweep-orders": {1, func(p *process) http.Handler {
		return function.ServeSchedule("sweep-orders", sweeporders.Handler(order.Sweeping{Cancellation: p.cancellation(), Saga: starter{p.sim}}))
	}},
	"inventory": {3, buildInventory},
	"payment": {2, func(p *process) http.Handler {
		return rpc.Handler("payment", paymentservice.Register(payment.Paying{Payments: p.payments(), Provider: p.sim.bank, Now: p.now}, nil))
	}},
}

func (p *process) orders() *store.Orders {
	return store.NewOrders(p.sim.database("orders"), publisher{p.sim}, p.now)
}

func (p *process) payments() *store.Payments {
	return store.NewPayments(p.sim.database("payments"), publisher{p.sim}, p.now)
}

func (p *process) cancellation() order.Cancellation {
	return order.Cancellation{Orders: p.orders(), Now: p.now, Patience: patience}
}

// api serves a function of the public API to customers who say who they are.
func (p *process) api(name, method string, h function.APIHandler) http.Handler {
	return function.ServeAPI(name, method, func(_ context.Context, r *http.Request) (auth.Caller, error) {
		return auth.Caller{CustomerID: r.Header.Get("X-Customer"), Subject: r.Header.Get("X-Customer")}, nil
	}, h)
}

func buildInventory(p *process) http.Handler {
	db := p.sim.database("inventory")
	items := store.NewItems(db, db)
	known := inventory.NewCatalogue(items, p.now)
	go known.Run(p.ctx, func(error) {})
	h := rpc.Handler("inventory", inventoryservice.Register(known, inventory.NewReserving(p.inventory(db), gather), inventory.Stocking{Items: items}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := taskOf(r.Context()).order; r.URL.Path == reserveStock {
			defer p.asking.begin(id)()
		}
		h.ServeHTTP(w, r)
	})
}

func (p *process) inventory(db *database) inventory.Store {
	s := inventory.Store(store.NewInventory(db))
	if p.sim.stock != nil {
		s = p.sim.stock(s)
	}
	return s
}

const reserveStock = "/orderflow.inventory.v1.InventoryService/ReserveStock"

// asking is since when a process has been asked to reserve for an order.
type asking struct {
	mu    sync.Mutex
	times map[string][]time.Time
}

func (a *asking) begin(order string) (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.times == nil {
		a.times = map[string][]time.Time{}
	}
	a.times[order] = append(a.times[order], time.Now())
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.times[order] = a.times[order][1:]
	}
}

func (a *asking) since(order string) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.times[order]) == 0 {
		return time.Now() // who asked has left; the decision is as of now
	}
	return a.times[order][0]
}

func post(url string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r
}

// mail is who sends notifications out.
type mail struct{ sim *sim }

// Send implements notification.Sender.
func (m mail) Send(ctx context.Context, msg notification.Message) error {
	o := taskOf(ctx).at("send", msg.ID)
	o.pause("there")
	failed, notSent := o.fires(sendFails), fmt.Errorf("the mail server could not be reached: %w", notification.ErrNotSent)
	if failed && !m.sim.mailLies {
		return notSent
	}
	o.point("before")
	ending := map[string]string{"Your order is confirmed": "CONFIRMED", "Your order was cancelled": "CANCELLED"}[msg.Subject]
	m.sim.record(func(h *promise.History) {
		h.Messages = append(h.Messages, promise.Message{ID: msg.ID, OrderID: msg.OrderID, Ending: ending, At: time.Now()})
	})
	o.note(msg.OrderID, "sends "+msg.ID)
	o.point("after")
	o.pause("back")
	if failed {
		return notSent
	}
	return nil
}

// startUnits starts processes of every unit that ships: a new one that is not simulated is an error.
func (s *sim) startUnits() error {
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		return err
	}
	s.broker.sim = s
	if s.broker.subs, err = subscriptions(units); err != nil {
		return err
	}
	if err := s.startEngine(units); err != nil {
		return err
	}
	for _, u := range units {
		if strings.HasPrefix(u.Dir, "functions/imports/") || u.Name == "sweep-uploads" || u.Name == "reconcile-payments" {
			continue // imports have a simulation of their own, internal/importing; who only compares once a day leaves no mark
		}
		b, ok := builds[u.Name]
		if !ok {
			return fmt.Errorf("%s is not simulated: add it to builds", u.Dir)
		}
		s.host(u.Name, b.instances, b.build)
		if u.Trigger.Schedule != "" && s.sweeps {
			go s.schedule(u.Name)
		}
	}
	return nil
}

// schedule calls a sweep each minute, whether or not the last one is done.
func (s *sim) schedule(unit string) {
	t := &task{sim: s, dice: s.dice.of("schedule "+unit, 0), who: "scheduler"}
	for s.sleep(time.Minute) {
		s.spawn(func() {
			ctx, cancel := context.WithTimeout(s.ctx, 50*time.Second)
			defer cancel()
			_, _ = t.call(ctx, unit, "", func() *http.Request { return post("http://"+unit, nil) }) // the next minute is the retry
		})
	}
}

// stockUp states the products: little of most of them, so that orders are refused.
func (s *sim) stockUp(ctx context.Context) error {
	db := s.databases["inventory"]
	items := make([]inventory.Stated, products)
	for i := range items {
		d := s.dice.of("product", i)
		items[i] = inventory.Stated{Stock: int64(d.below(2 + s.orders)), Item: inventory.Item{SKU: sku(i), Name: sku(i), UnitPrice: price(i)}}
		s.free[sku(i)] = items[i].Stock
		s.history.Levels = append(s.history.Levels, promise.Level{SKU: sku(i), Available: items[i].Stock, At: s.start})
	}
	_, err := store.NewItems(db, db).Upsert(ctx, 0, items)
	return err
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

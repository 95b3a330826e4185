package isolate

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/e2e"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/backoff"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/stack"
)

// everything is one round of all that units do.
func everything(ctx context.Context, s *stack.Stack, round int) error {
	var g errgroup.Group
	g.Go(func() error { return orderEverything(ctx, s) })
	g.Go(func() error { return importEverything(ctx, s, round) })
	g.Go(func() error { return leaveJournals(ctx, round) })
	g.Go(func() error { return publishGarbage(ctx) })
	if err := g.Wait(); err != nil {
		return err
	}
	return runDaily(ctx, s, "reconcile-payments")
}

// runDaily calls what Cloud Scheduler calls once a day.
func runDaily(ctx context.Context, s *stack.Stack, name string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.UnitURL(name), strings.NewReader("{}"))
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s answered %s", name, resp.Status)
	}
	return nil
}

// orderEverything brings an order to each of its endings.
func orderEverything(ctx context.Context, s *stack.Stack) error {
	token, err := stack.Token(ctx, s.Endpoints, "everybody")
	if err != nil {
		return err
	}
	look, err := stack.Inspect(ctx, s.Endpoints)
	if err != nil {
		return err
	}
	w := e2e.World{Customer: e2e.Customer{Gateway: s.Gateway, Token: token}, AtProvider: look.AtProvider}
	var g errgroup.Group
	for _, scenario := range e2e.Scenarios {
		g.Go(func() error {
			if _, err := scenario.Run(ctx, w); err != nil {
				return fmt.Errorf("%s: %w", scenario.Name, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	confirmed, err := w.List(ctx, url.Values{"page_size": {"5"}, "status": {"CONFIRMED"}})
	if err != nil || len(confirmed.GetOrders()) == 0 {
		return fmt.Errorf("list confirmed orders: %d, %w", len(confirmed.GetOrders()), err)
	}
	return operateEverything(ctx, s, w.Customer, confirmed.GetOrders()[0].GetOrderId())
}

// operateEverything does all that operators do: some of it to an order that is confirmed.
func operateEverything(ctx context.Context, s *stack.Stack, c e2e.Customer, confirmed string) error {
	token, err := stack.Token(ctx, s.Endpoints, "olga", e2e.OperatorScope)
	if err != nil {
		return err
	}
	op := e2e.Operator{Customer: e2e.Customer{Gateway: s.Gateway, Token: token}}
	key := rand.Text()
	waiting, err := c.Place(ctx, key, &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: e2e.Plenty, Quantity: 1}}, PaymentMethod: psp.MethodNever,
	})
	if err != nil {
		return err
	}
	id := waiting.Order.GetOrderId()
	for _, do := range []struct {
		id  string
		act operationsv1.Act
	}{{id, operationsv1.Act_ACT_RETRY}, {id, operationsv1.Act_ACT_CANCEL}, {id, operationsv1.Act_ACT_CLOSE}, {confirmed, operationsv1.Act_ACT_REFUND}} {
		r := &operationsv1.OperateOrderRequest{Act: do.act, Reason: "every role"}
		if do.act == operationsv1.Act_ACT_REFUND {
			r.Amount = &typev1.Money{CurrencyCode: "GBP", MinorUnits: 1}
		}
		if _, err := op.Act(ctx, do.id, key, r); err != nil {
			return fmt.Errorf("%s: %w", do.act, err)
		}
	}
	if _, err := op.AdjustStock(ctx, key, &operationsv1.AdjustStockRequest{Sku: e2e.Plenty, Delta: 1, Reason: "every role"}); err != nil {
		return err
	}
	_, err = op.Stock(ctx, e2e.Plenty)
	if err == nil {
		_, err = op.Find(ctx, nil)
	}
	if err == nil {
		_, err = op.Show(ctx, id)
	}
	return err
}

const (
	orderFile = "order_ref,customer_id,sku,quantity,payment_method\n1,c,mug-blue,1,pm_approve\n2,c,mug-blue,1,\n"
	badFile   = "no,orders\n1,2\n"
)

// importEverything imports orders, a catalogue that takes more than one call, and a file that cannot be read; then files
// whose planner is killed again and again, until the sweep plans them.
func importEverything(ctx context.Context, s *stack.Stack, round int) error {
	wait := func(ctx context.Context) error {
		return backoff.Wait(ctx, 0, 100*time.Millisecond, 100*time.Millisecond)
	}
	kill := func(ctx context.Context) error { return s.Kill(ctx, "plan-import") }
	for _, file := range []struct {
		name, text string
		meanwhile  func(context.Context) error
	}{
		{"orders/round-%d/a.csv", orderFile, wait}, {"orders/round-%d/bad.csv", badFile, wait}, {"catalog/%d.csv", largeCatalogue(), wait},
		{"orders/round-%d/lost.csv", orderFile, kill}, {"orders/round-%d/lost and bad.csv", badFile, kill},
	} {
		if err := importFile(ctx, fmt.Sprintf(file.name, round), file.text, file.meanwhile); err != nil {
			return fmt.Errorf("import "+file.name+": %w", round, err)
		}
	}
	return readImports(ctx, s)
}

// largeCatalogue has more products than are stated between two looks at the clock.
func largeCatalogue() string {
	var b strings.Builder
	b.WriteString("sku,name,unit_price,currency,stock\n")
	for i := range 1200 {
		fmt.Fprintf(&b, "sku-%d,Name,1.00,GBP,10\n", i)
	}
	return b.String()
}

// importFile drops a file and waits for its report.
func importFile(ctx context.Context, name, text string, meanwhile func(context.Context) error) error {
	uploads, err := bucket.Open(ctx, unit.BucketName(stack.Project, "uploads"))
	if err != nil {
		return err
	}
	defer uploads.Close()
	reports, err := bucket.Open(ctx, unit.BucketName(stack.Project, "reports"))
	if err != nil {
		return err
	}
	defer reports.Close()
	w := uploads.Create(ctx, name, "text/csv", nil)
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	o := w.Object()
	for {
		_, err := reports.Stat(ctx, importing.SummaryName(importing.ID(o.Bucket, o.Name, o.Generation)), 0)
		if fault.Code(err) != codes.NotFound {
			return err
		}
		if err := meanwhile(ctx); err != nil {
			return err
		}
	}
}

// readImports asks for a page of imports, and for one.
func readImports(ctx context.Context, s *stack.Stack) error {
	token, err := stack.Token(ctx, s.Endpoints, "team", "imports.read")
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Gateway+"/v1/imports", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var page importingv1.ListImportsResponse
	if err := protojson.Unmarshal(body, &page); err != nil || len(page.GetImports()) == 0 {
		return fmt.Errorf("list imports: %s %s: %w", resp.Status, body, err)
	}
	_, err = e2e.Customer{Gateway: s.Gateway, Token: token}.Import(ctx, page.GetImports()[0].GetImportId())
	return err
}

// leaveJournals leaves an order and a payment as processes do that die between their commit and their publish.
func leaveJournals(ctx context.Context, round int) error {
	orders, err := store.Open(ctx, stack.Project, "orders")
	if err != nil {
		return err
	}
	defer orders.Close()
	o := &order.Order{ID: fmt.Sprint("crashed", round)}
	o.Journal.Append(&eventv1.OrderCreated{
		OrderId: o.ID, Seq: 1, EventTime: timestamppb.Now(), CustomerId: "everybody", PaymentMethod: psp.MethodApprove,
		Lines: []*typev1.OrderLine{{Sku: e2e.Plenty, Quantity: 1}}, Total: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 950},
		ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}, false)
	if err := store.NewOrders(orders, dead{}, time.Now).Create(ctx, o); err != nil {
		return err
	}
	payments, err := store.Open(ctx, stack.Project, "payments")
	if err != nil {
		return err
	}
	defer payments.Close()
	p := &payment.Payment{OrderID: fmt.Sprint("declined", round), State: payment.Declined, CreateTime: time.Now()}
	p.Journal.Append(&eventv1.PaymentFailed{OrderId: p.OrderID, Seq: 1, EventTime: timestamppb.Now(), Reason: "declined"}, false)
	return store.NewPayments(payments, dead{}, time.Now).Create(ctx, p)
}

// dead is a process that is dead by the time it should publish.
type dead struct{}

func (dead) Publish(context.Context, ...event.Event) error { return errors.New("the process is dead") }

// publishGarbage sends each function with a trigger by events what it can only park: a message that fits any schema, of
// nothing.
func publishGarbage(ctx context.Context) error {
	client, err := pubsub.NewClient(ctx, stack.Project)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, eventType := range []string{"OrderCreated", "OrderConfirmed", "OrderRefundRequested", "ImportChunk"} {
		topic := client.Publisher(unit.Event{Type: eventType}.Topic())
		if _, err := topic.Publish(ctx, &pubsub.Message{Attributes: map[string]string{"about": "nothing"}}).Get(ctx); err != nil {
			return err
		}
	}
	return nil
}

package importchunk_test

import (
	"context"
	"os"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/imports/import-chunk"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/client/imports"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/auth"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Storage, cloudtest.Service("inventory"), cloudtest.Selling("TEA", "Tea", 500), cloudtest.Setenv("IMPORT_RATE", "0"))
}

// planner plans uploads as plan-import does.
func planner(t *testing.T) importing.Planner {
	t.Helper()
	p, err := imports.NewPlanner(context.WithoutCancel(t.Context()), imports.PlannerConfig{ChunkSize: 1 << 20, Imports: imports.Config{
		Project: cloudtest.Project(), Uploads: os.Getenv("UPLOADS_BUCKET"), Reports: os.Getenv("REPORTS_BUCKET"), Patience: time.Minute,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAChunkOfACatalogueBecomesProductsAndAReport(t *testing.T) {
	p := planner(t)
	o := cloudtest.Upload(t, "catalog/a.csv", "sku,name,unit_price,currency,stock\nMUG,Mug,4.20,GBP,7\nMUG,Mug again,1,GBP,1\nTEA,Tea,many,GBP,1\n")
	if err := p.Plan(t.Context(), imports.File(o)); err != nil {
		t.Fatal(err)
	}
	id := importing.ID(o.Bucket, o.Name, o.Generation)
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrdersImported")
	for range 2 {
		e := event.Of("imports", id+"-000000", &eventv1.ImportChunk{ImportId: id, Seq: 1, EventTime: timestamppb.Now()})
		if a := cloudtest.Deliver(t, cloudtest.Function(t, "import-chunk"), e); a.Status != 204 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
	}
	im, err := p.Imports.Get(t.Context(), id)
	if err != nil || im.State != importing.Done || im.Tally.Items != 1 || im.Tally.RejectedRows != 2 || !im.Announced {
		t.Errorf("import %+v, error %v", im, err)
	}
	if got := tap.About(id); len(got) != 0 {
		t.Errorf("a catalogue was announced as orders: %v", got)
	}
	catalogue, err := client.NewCatalogue(context.WithoutCancel(t.Context()), client.InventoryConfig{URL: os.Getenv("INVENTORY_URL")})
	if err != nil {
		t.Fatal(err)
	}
	if quotes, err := catalogue.Quote(t.Context(), []string{"MUG"}); err != nil || quotes["MUG"].UnitPrice.GetMinorUnits() != 420 {
		t.Errorf("quotes %v, error %v", quotes, err)
	}
}

func TestAChunkBecomesOrdersAndAReport(t *testing.T) {
	p := planner(t)
	o := cloudtest.Upload(t, "orders/acme/a.csv", "order_ref,customer_id,sku,quantity,payment_method\n1,c,TEA,1,pm_approve\n2,c,TEA,x,pm_approve\n")
	if err := p.Plan(t.Context(), imports.File(o)); err != nil {
		t.Fatal(err)
	}
	id := importing.ID(o.Bucket, o.Name, o.Generation)
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrdersImported")
	for range 2 { // the second finds that all is done
		e := event.Of("imports", id+"-000000", &eventv1.ImportChunk{ImportId: id, Seq: 1, EventTime: timestamppb.Now()})
		if a := cloudtest.Deliver(t, cloudtest.Function(t, "import-chunk"), e); a.Status != 204 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
	}
	im, err := p.Imports.Get(t.Context(), id)
	if err != nil || im.State != importing.Done || im.Tally.Orders != 1 || im.Tally.RejectedOrders != 1 || !im.Announced {
		t.Errorf("import %+v, error %v", im, err)
	}
	if got := tap.About(id); len(got) != 1 {
		t.Errorf("announced %d times", len(got))
	}
	ref := order.Request{Source: "acme", IdempotencyKey: "1"}
	if made, err := cloudtest.Orders(t).Get(t.Context(), ref.OrderID()); err != nil || made.Origin != id+":2" {
		t.Errorf("order %+v, error %v", made, err)
	}
}

// An order of a file that was lost and rebuilt from its events, which do not say from which file it came, is whole again when
// the file comes again; a row that is another order is not taken for it.
func TestARebuiltOrderIsWholeWhenItsFileComesAgain(t *testing.T) {
	p := planner(t)
	for _, ref := range []string{"1", "2"} {
		r := order.Request{Source: "lost", IdempotencyKey: ref}
		now := timestamppb.Now()
		created := &eventv1.OrderCreated{
			OrderId: r.OrderID(), Seq: 1, EventTime: now, ExpireTime: timestamppb.New(now.AsTime().Add(time.Hour)),
			CustomerId: auth.CustomerID("orders/lost", "c"), PaymentMethod: "pm_approve", Total: gbp(500),
			Lines: []*typev1.OrderLine{{Sku: "TEA", Name: "Tea", Quantity: 1, UnitPrice: gbp(500)}},
		}
		orders, err := store.ReadOrders(t.Context(), store.Config{Project: cloudtest.Project()})
		if err != nil {
			t.Fatal(err)
		}
		if err := orders.CatchUp(t.Context(), r.OrderID(), func(*order.Order) *order.Order {
			o := &order.Order{ID: r.OrderID(), Origin: order.RebuiltOrigin, NextAttempt: now.AsTime()}
			o.Journal.Append(created, false)
			return o
		}); err != nil {
			t.Fatal(err)
		}
	}
	o := cloudtest.Upload(t, "orders/lost/a.csv", "order_ref,customer_id,sku,quantity,payment_method,note\n1,c,TEA,1,pm_approve,ring twice\n2,c,TEA,2,pm_approve,\n")
	if err := p.Plan(t.Context(), imports.File(o)); err != nil {
		t.Fatal(err)
	}
	id := importing.ID(o.Bucket, o.Name, o.Generation)
	e := event.Of("imports", id+"-000000", &eventv1.ImportChunk{ImportId: id, Seq: 1, EventTime: timestamppb.Now()})
	if a := cloudtest.Deliver(t, cloudtest.Function(t, "import-chunk"), e); a.Status != 204 {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	im, err := p.Imports.Get(t.Context(), id)
	if err != nil || im.Tally.Orders != 1 || im.Tally.Reasons[importing.AlreadyImported] != 1 {
		t.Errorf("import %+v, error %v", im, err)
	}
	for ref, want := range map[string]string{"1": id + ":2", "2": order.RebuiltOrigin} {
		r := order.Request{Source: "lost", IdempotencyKey: ref}
		if o, err := cloudtest.Orders(t).Get(t.Context(), r.OrderID()); err != nil || o.Origin != want || (o.Note == "ring twice") != (ref == "1") {
			t.Errorf("order %s is %+v, error %v", ref, o, err)
		}
	}
}

func gbp(n int64) *typev1.Money { return &typev1.Money{CurrencyCode: "GBP", MinorUnits: n} }

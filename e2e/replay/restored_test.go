package replay

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/internal/order"
	"orderflow.dev/local/stack"
)

// TestLostOrdersComeBack has orders of every ending lose their documents and get them back from the archive, by the command that
// people use: with the journals they had, with nothing undone, and for a person only what no event carries. Whoever sends the
// same request again gets the first answer, and the order its address.
func TestLostOrdersComeBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if len(journals(ctx, t)) == 0 { // of no test before this one
		everyEnding(ctx, t)
	}
	token, err := stack.Token(ctx, local.Endpoints, "patient")
	if err != nil {
		t.Fatal(err)
	}
	patient, wish := e2e.Customer{Gateway: local.Gateway, Token: token}, &orderv1.PlaceOrderRequest{
		Lines: []*orderv1.RequestedLine{{Sku: e2e.Catalogue[0].Sku, Quantity: 1}}, PaymentMethod: "pm_approve", Note: "ring twice",
		ShippingAddress: &orderv1.Address{Recipient: "Ada", Lines: []string{"1 High St"}, City: "Bath", CountryCode: "GB"},
	}
	first, err := patient.Place(ctx, "key", wish)
	if err != nil {
		t.Fatal(err)
	}
	settled(ctx, t)
	if err := local.Archive(ctx); err != nil {
		t.Fatal(err)
	}
	before := journals(ctx, t)
	moved := movements(ctx, t)
	if n := loseOrders(ctx, t); n != len(before) || n == 0 {
		t.Fatalf("%d of %d orders were lost", n, len(before))
	}

	dry, err := exec.CommandContext(ctx, program, "check", "--repair", "--dry-run").CombinedOutput()
	if err != nil || strings.Count(string(dry), "lost, and rebuilt from the archive: OrderCreated") != len(before) || strings.Contains(string(dry), "order LOST") {
		t.Errorf("a dry run says %v\n%s", err, dry)
	}
	if after := journals(ctx, t); len(after) > 0 {
		t.Errorf("a dry run made %d orders", len(after))
	}

	out, err := exec.CommandContext(ctx, program, "check", "--repair").CombinedOutput()
	if err == nil || strings.Count(string(out), "ask its customer for the shipping address") != len(before) || !strings.Contains(string(out), "are for a person") {
		t.Errorf("the repair says %v\n%s", err, out)
	}
	if diff := cmp.Diff(before, journals(ctx, t)); diff != "" {
		t.Errorf("journals (-before +after):\n%s", diff)
	}
	if after := movements(ctx, t); after != moved {
		t.Errorf("money moved %d times, %d before", after, moved)
	}
	if again, err := patient.Place(ctx, "key", wish); err != nil || !again.Replayed || string(again.Body) != string(first.Body) {
		t.Errorf("the same request again is answered %+v, %v, want %s", again, err, first.Body)
	}
	if o, err := patient.Get(ctx, first.Order.GetOrderId()); err != nil || o.GetShippingAddress().GetCity() != "Bath" || o.GetNote() != "ring twice" {
		t.Errorf("the order is %v, %v", o, err)
	}
	if out := command(ctx, t, "check", "--repair"); !strings.Contains(out, "every promise that could be checked holds") {
		t.Errorf("a second repair says\n%s", out)
	}
}

// journals are what orders' journals say, by order.
func journals(ctx context.Context, t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	if err := look.EachOrder(ctx, func(o *order.Order) {
		for _, e := range o.Journal.Entries {
			all[o.ID] = append(all[o.ID], string(e.Event.ProtoReflect().Descriptor().Name())+" "+e.Event.GetEventTime().AsTime().String()+" "+e.Traceparent+" "+e.RequestID)
		}
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func movements(ctx context.Context, t *testing.T) int {
	t.Helper()
	moved, err := look.Movements(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return len(moved)
}

// loseOrders deletes every order's document.
func loseOrders(ctx context.Context, t *testing.T) int {
	t.Helper()
	client, err := firestore.NewClientWithDatabase(ctx, stack.Project, "orders")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	all, err := client.Collection("orders").Documents(ctx).GetAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if _, err := d.Ref.Delete(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return len(all)
}

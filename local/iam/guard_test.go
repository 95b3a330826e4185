package iam_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/iam"
	"orderflow.dev/local/workflows"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Storage, cloudtest.Workflows(workflows.Options{}), cloudtest.Service("inventory"), inventoryAnswers)
}

// inventoryAnswers waits until inventory has found its database, before a test leads who looks for one to a guard.
func inventoryAnswers(ctx context.Context) error {
	conn, err := rpc.Dial(ctx, os.Getenv("INVENTORY_URL"))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		_, err := inventoryv1.NewInventoryServiceClient(conn).GetItem(ctx, &inventoryv1.GetItemRequest{Sku: "none"})
		if fault.Reason(err) == "unknown_sku" || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// behind guards a unit and leads this process's clients to the guard until the test ends, so these tests are not parallel.
func behind(t testing.TB, u unit.Unit) *iam.Guard {
	t.Helper()
	u.Name, u.Dir = "some-function", "functions/some/some-function"
	g, err := iam.Open(iam.Options{
		Unit: u, Project: cloudtest.Project(), Firestore: os.Getenv("FIRESTORE_EMULATOR_HOST"), PubSub: os.Getenv("PUBSUB_EMULATOR_HOST"),
		Workflows: os.Getenv("WORKFLOWS_EMULATOR_HOST"), Storage: os.Getenv("STORAGE_EMULATOR_HOST"),
		Services: map[string]string{"inventory": os.Getenv("INVENTORY_URL")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for _, variable := range g.Environ(nil) {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return g
}

// refused holds that an error is Google's refusal, and says what to add to which file.
func refused(t *testing.T, what string, err error, google, missing string) {
	t.Helper()
	for _, want := range []string{google, "some-function was refused ", "functions/some/some-function/function.yaml does not have `" + missing + "`"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", what, err, want)
		}
	}
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func database(t testing.TB, name string) *store.Firestore {
	t.Helper()
	db, err := store.Open(t.Context(), cloudtest.Project(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func documents(n, size int) (writes []store.Write) {
	for range n {
		writes = append(writes, store.Write{Path: "c/" + cloudtest.NewID(), Fields: store.Fields{"raw": make([]byte, size)}})
	}
	return writes
}

func TestDatabases(t *testing.T) {
	g := behind(t, unit.Unit{Databases: map[string]unit.Access{"orders": "read", "payments": "write"}})
	orders, payments, inventory := database(t, "orders"), database(t, "payments"), database(t, "inventory")
	const google, ofOrders = "Missing or insufficient permissions.", "databases: {orders: write}"

	if _, err := orders.Get(t.Context(), "c/none"); err != nil {
		t.Error(err)
	}
	if _, err := orders.Query(t.Context(), store.Query{Collection: "c", Limit: 1}); err != nil {
		t.Error(err)
	}
	if _, err := orders.Count(t.Context(), "c"); err != nil {
		t.Error(err)
	}
	_, err := orders.Commit(t.Context(), documents(1, 1)...)
	refused(t, "one write", err, google, ofOrders)
	_, err = orders.Commit(t.Context(), documents(2, 1)...)
	refused(t, "two writes", err, google, ofOrders)
	_, err = inventory.Get(t.Context(), "c/none")
	refused(t, "another database", err, google, "databases: {inventory: read}")

	writes := documents(4, 900_000) // a message in many pieces; the emulator takes no larger one
	if _, err := payments.Commit(t.Context(), writes...); err != nil {
		t.Error(err)
	}
	if found, err := payments.Get(t.Context(), writes[0].Path); err != nil || len(found[0].Fields["raw"].([]byte)) != 900_000 {
		t.Errorf("read again: error %v", err)
	}
	same(t, "used", []iam.Grant{{"databases", "orders", "read"}, {"databases", "payments", "read"}, {"databases", "payments", "write"}}, g.Used())
	var denied []string
	for _, d := range g.Denied() {
		denied = append(denied, d.Missing.String())
	}
	slices.Sort(denied)
	same(t, "denied", []string{"databases: {inventory: read}", ofOrders}, denied)
}

// TestAListenerHearsOnUntilItsProcessEnds is about calls of which neither side has an end.
func TestAListenerHearsOnUntilItsProcessEnds(t *testing.T) {
	behind(t, unit.Unit{Databases: map[string]unit.Access{"orders": "write"}})
	db, collection := database(t, "orders"), "c"+cloudtest.NewID()
	heard, ended := make(chan int, 10), make(chan error)
	listening := database(t, "orders")
	go func() {
		ended <- listening.Watch(t.Context(), collection, func(set []store.Document, _ []string, _ time.Time) { heard <- len(set) })
	}()
	same(t, "first delivery", 0, <-heard)
	if _, err := db.Commit(t.Context(), store.Write{Path: collection + "/a", Fields: store.Fields{"n": int64(1)}}); err != nil {
		t.Fatal(err)
	}
	same(t, "second delivery", 1, <-heard)
	listening.Close()
	if <-ended == nil {
		t.Error("the listener ended without an error")
	}
}

func TestTopics(t *testing.T) {
	g := behind(t, unit.Unit{Publishes: []string{"OrderCreated"}, Trigger: unit.Trigger{Events: []unit.Event{{Type: "OrderCancelled"}}}})
	publisher := newPublisher(t)
	if err := publisher.Publish(t.Context(), created()); err != nil {
		t.Error(err)
	}
	err := publisher.Publish(t.Context(), event.Of("orders", "o", &eventv1.OrderConfirmed{OrderId: "o", Seq: 1, EventTime: timestamppb.Now()}))
	refused(t, "another event", err, "User not authorized to perform this action.", "publishes: [OrderConfirmed]")
	if err := publisher.Park(t.Context(), event.Message{Data: []byte("x")}, "f", "why"); err != nil {
		t.Error(err)
	}
	same(t, "used", []iam.Grant{{Key: "publishes", Name: "OrderCreated"}, iam.Parks}, g.Used())
}

func TestOnlyWhoIsSentEventsParksThem(t *testing.T) {
	behind(t, unit.Unit{Publishes: []string{"OrderCreated"}})
	err := newPublisher(t).Park(t.Context(), event.Message{Data: []byte("x")}, "f", "why")
	refused(t, "park", err, "User not authorized to perform this action.", "trigger: {events: …}")
}

func newPublisher(t testing.TB) *event.Publisher {
	t.Helper()
	p, err := event.NewPublisher(t.Context(), cloudtest.Project())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func created() event.Event {
	return event.Of("orders", "o", &eventv1.OrderCreated{OrderId: "o", Seq: 1, EventTime: timestamppb.Now()})
}

func TestWorkflows(t *testing.T) {
	behind(t, unit.Unit{Starts: []string{"fulfil-order"}})
	start := func(workflowName, id string) error {
		starter, err := workflow.New(t.Context(), workflow.Config{
			Project: cloudtest.Project(), Location: os.Getenv("WORKFLOW_LOCATION"), Workflow: workflowName,
		})
		if err != nil {
			t.Fatal(err)
		}
		return starter.Start(t.Context(), map[string]string{"order_id": id})
	}
	id := cloudtest.NewID()
	if err := start("fulfil-order", id); err != nil || len(cloudtest.Sagas(t, id)) != 1 {
		t.Errorf("%d executions, error %v, want one", len(cloudtest.Sagas(t, id)), err)
	}
	refused(t, "start", start("another", id), "Permission 'workflows.executions.create' denied on 'projects/", "starts: [another]")
}

func TestServices(t *testing.T) {
	direct := os.Getenv("INVENTORY_URL")
	g := behind(t, unit.Unit{Calls: []string{"inventory"}})
	if os.Getenv("INVENTORY_URL") == direct {
		t.Fatal("the unit is led past the guard")
	}
	conn, err := rpc.Dial(t.Context(), os.Getenv("INVENTORY_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = inventoryv1.NewInventoryServiceClient(conn).GetItem(t.Context(), &inventoryv1.GetItemRequest{Sku: "none"})
	if fault.Reason(err) != "unknown_sku" {
		t.Errorf("error %v, want the service's own", err)
	}
	same(t, "used", []iam.Grant{{Key: "calls", Name: "inventory"}}, g.Used())
}

// TestAUnitFindsNoURLAndNoSecretThatItsFileDoesNotName also holds that it finds everything else.
func TestAUnitFindsNoURLAndNoSecretThatItsFileDoesNotName(t *testing.T) {
	t.Parallel()
	payment := unit.Unit{Name: "payment", Service: true, Secrets: []string{"KEY", "SHARED"}}
	u := unit.Unit{Name: "f", Secrets: []string{"OWN", "SHARED"}}
	g, err := iam.Open(iam.Options{Unit: u, Units: []unit.Unit{payment, u}, Services: map[string]string{"payment": "http://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	var kept []string
	for _, variable := range g.Environ([]string{"HOME=h", "PAYMENT_URL=u", "KEY=k", "OWN=o", "SHARED=s", "FIRESTORE_EMULATOR_HOST=f", "EMPTY="}) {
		if !strings.Contains(variable, "_EMULATOR_HOST=127.0.0.1:") && !strings.HasPrefix(variable, "STORAGE_EMULATOR_HOST=http://127.0.0.1:") {
			kept = append(kept, variable)
		}
	}
	same(t, "environment", []string{"HOME=h", "OWN=o", "SHARED=s", "EMPTY="}, kept)
}

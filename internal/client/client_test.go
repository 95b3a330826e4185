package client_test

import (
	"context"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/platform/workflow"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/workflows"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Service("inventory"), cloudtest.Workflows(workflows.Options{}))
}

func TestCatalogueAnswersWhatInventorySells(t *testing.T) {
	t.Parallel()
	url := os.Getenv("INVENTORY_URL")
	conn, err := rpc.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	price := &typev1.Money{CurrencyCode: "GBP", MinorUnits: 250}
	_, err = inventoryv1.NewInventoryServiceClient(conn).UpsertItems(t.Context(), &inventoryv1.UpsertItemsRequest{
		Items: []*inventoryv1.StatedItem{{Sku: "TEA", Name: "Tea", UnitPrice: price}},
	})
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := client.NewCatalogue(t.Context(), client.InventoryConfig{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	got, err := catalogue.Quote(t.Context(), []string{"TEA", "of nobody's"})
	if diff := cmp.Diff(map[string]order.Quote{"TEA": {Name: "Tea", UnitPrice: price}}, got, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("error %v, quotes (-want +got):\n%s", err, diff)
	}
	if _, err := catalogue.Quote(t.Context(), make([]string, 1001)); fault.Code(err) != codes.InvalidArgument || len(fault.Of(err).Fields) != 1 {
		t.Errorf("too many: %v, want its bad field", err)
	}
}

func TestCatalogueIsNotReachedInTheClear(t *testing.T) {
	t.Parallel()
	if _, err := client.NewCatalogue(t.Context(), client.InventoryConfig{URL: "http://inventory.example"}); err == nil {
		t.Error("prices would be asked for without encryption")
	}
}

func TestSagaGoesOnWithTheTrace(t *testing.T) {
	t.Parallel()
	saga, err := client.NewSaga(t.Context(), workflow.Config{Project: cloudtest.Project(), Location: os.Getenv("WORKFLOW_LOCATION"), Workflow: "fulfil-order"})
	if err != nil {
		t.Fatal(err)
	}
	trace := telemetry.Continue("", "r1")
	want := order.Fulfilment{
		OrderID: cloudtest.NewID(), Seq: 1, Quantities: map[string]int32{"TEA": 2}, Amount: &order.Amount{CurrencyCode: "GBP", MinorUnits: 9007199254740993},
	}
	if err := saga.Start(telemetry.WithTrace(context.WithoutCancel(t.Context()), trace), want); err != nil {
		t.Fatal(err)
	}
	want.Traceparent, want.RequestID = trace.Traceparent(), "r1"
	if diff := cmp.Diff([]order.Fulfilment{want}, cloudtest.Sagas(t, want.OrderID)); diff != "" {
		t.Errorf("sagas (-want +got):\n%s", diff)
	}
}

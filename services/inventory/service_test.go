package inventory_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/local/cloudtest"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Service("inventory")) }

const (
	held     = typev1.ReservationState_RESERVATION_STATE_HELD
	released = typev1.ReservationState_RESERVATION_STATE_RELEASED
	refused  = typev1.ReservationState_RESERVATION_STATE_REFUSED
)

func client(t *testing.T) inventoryv1.InventoryServiceClient {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), os.Getenv("INVENTORY_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return inventoryv1.NewInventoryServiceClient(conn)
}

// item is a new product of which there is so much.
func item(t *testing.T, stock int64) (sku string) {
	t.Helper()
	sku = "SKU/" + cloudtest.NewID() // a slash, as product codes have
	state(t, sku, 250, stock)
	return sku
}

func state(t *testing.T, sku string, pence, stock int64) {
	t.Helper()
	_, err := client(t).UpsertItems(t.Context(), &inventoryv1.UpsertItemsRequest{Items: []*inventoryv1.StatedItem{
		{Sku: sku, Name: "Name of " + sku, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, Stock: stock},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func wantStock(t *testing.T, sku string, available, held int64) {
	t.Helper()
	resp, err := client(t).GetItem(t.Context(), &inventoryv1.GetItemRequest{Sku: sku})
	if i := resp.GetItem(); err != nil || i.GetAvailable() != available || i.GetHeld() != held {
		t.Errorf("stock of %s: %v, error %v, want %d available and %d held", sku, i, err, available, held)
	}
}

func reserve(t *testing.T, order, sku string, n int32) (typev1.ReservationState, error) {
	t.Helper()
	resp, err := client(t).ReserveStock(t.Context(), &inventoryv1.ReserveStockRequest{OrderId: order, Quantities: map[string]int32{sku: n}})
	return resp.GetReservation().GetState(), err
}

func release(t *testing.T, order string) (typev1.ReservationState, error) {
	t.Helper()
	resp, err := client(t).ReleaseStock(t.Context(), &inventoryv1.ReleaseStockRequest{OrderId: order})
	return resp.GetReservation().GetState(), err
}

func TestQuoteKnowsWhatWasStatedAMomentAgo(t *testing.T) {
	t.Parallel()
	sku := item(t, 1)
	got, err := client(t).QuoteItems(t.Context(), &inventoryv1.QuoteItemsRequest{Skus: []string{"of nobody's", sku}})
	want := &inventoryv1.QuoteItemsResponse{
		Quotes:      []*inventoryv1.Quote{{Sku: sku, Name: "Name of " + sku, UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 250}}},
		UnknownSkus: []string{"of nobody's"},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
		t.Errorf("error %v, quotes (-want +got):\n%s", err, diff)
	}
}

func TestReserveAndReleaseEachTakeEffectOnce(t *testing.T) {
	t.Parallel()
	sku, order := item(t, 5), cloudtest.NewID()
	for range 3 {
		if s, err := reserve(t, order, sku, 3); err != nil || s != held {
			t.Errorf("reserve: %v, error %v", s, err)
		}
		wantStock(t, sku, 2, 3)
	}
	for range 3 {
		if s, err := release(t, order); err != nil || s != released {
			t.Errorf("release: %v, error %v", s, err)
		}
		wantStock(t, sku, 5, 0)
	}
	if s, err := reserve(t, order, sku, 3); fault.Code(err) != codes.FailedPrecondition || fault.Reason(err) != "cancelled" {
		t.Errorf("reserve after release: %v, error %v, want cancelled", s, err)
	}
}

func TestReleaseBeforeReserveLeavesATombstone(t *testing.T) {
	t.Parallel()
	sku, order := item(t, 5), cloudtest.NewID()
	if s, err := release(t, order); err != nil || s != released {
		t.Errorf("release: %v, error %v", s, err)
	}
	if s, err := reserve(t, order, sku, 1); fault.Reason(err) != "cancelled" {
		t.Errorf("late reserve: %v, error %v, want cancelled", s, err)
	}
	wantStock(t, sku, 5, 0)
}

func TestRefusalIsKept(t *testing.T) {
	t.Parallel()
	sku, order := item(t, 1), cloudtest.NewID()
	for range 2 {
		if s, err := reserve(t, order, sku, 2); fault.Code(err) != codes.FailedPrecondition || fault.Reason(err) != "out_of_stock" {
			t.Errorf("reserve: %v, error %v, want out_of_stock", s, err)
		}
		state(t, sku, 250, 10) // more came: the order was refused all the same
	}
	if s, err := release(t, order); err != nil || s != refused {
		t.Errorf("release: %v, error %v, want it to stay refused", s, err)
	}
	wantStock(t, sku, 10, 0)
}

func TestManyAtOnceAreNeverOversoldNorRefusedWhileThereIsEnough(t *testing.T) {
	t.Parallel()
	sku := item(t, 20)
	var sold, short atomic.Int64
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			switch s, err := reserve(t, cloudtest.NewID(), sku, 1); {
			case err == nil && s == held:
				sold.Add(1)
			case fault.Reason(err) == "out_of_stock":
				short.Add(1)
			default:
				t.Errorf("reserve: %v, error %v", s, err)
			}
		})
	}
	wg.Wait()
	if sold.Load() != 20 || short.Load() != 10 {
		t.Errorf("%d sold and %d refused, want 20 and 10", sold.Load(), short.Load())
	}
	wantStock(t, sku, 0, 20)
}

func TestReservationsSurviveAStocktake(t *testing.T) {
	t.Parallel()
	sku := item(t, 5)
	if _, err := reserve(t, cloudtest.NewID(), sku, 4); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		state(t, sku, 300, 3) // one less than is held
		wantStock(t, sku, -1, 4)
	}
}

// What an older file, or another line of the same, states of a product changes neither its stock nor its price.
func TestTheNewestFileCounts(t *testing.T) {
	t.Parallel()
	sku := item(t, 5)
	if _, err := reserve(t, cloudtest.NewID(), sku, 4); err != nil {
		t.Fatal(err)
	}
	say := func(generation, line, pence, stock int64, want ...*inventoryv1.IgnoredItem) {
		t.Helper()
		resp, err := client(t).UpsertItems(t.Context(), &inventoryv1.UpsertItemsRequest{Generation: generation, Items: []*inventoryv1.StatedItem{
			{Sku: sku, Name: "Name", UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: pence}, Stock: stock, Line: line},
		}})
		if diff := cmp.Diff(want, resp.GetIgnored(), protocmp.Transform()); err != nil || diff != "" {
			t.Errorf("error %v, ignored (-want +got):\n%s", err, diff)
		}
	}
	const newer = 1_767_323_045_000_007 // as Cloud Storage makes them
	say(newer, 2, 300, 10)
	wantStock(t, sku, 6, 4)
	say(newer-1, 2, 100, 50, &inventoryv1.IgnoredItem{Sku: sku, Generation: newer, Line: 2})
	say(newer, 9, 100, 50, &inventoryv1.IgnoredItem{Sku: sku, Generation: newer, Line: 2})
	say(newer, 2, 300, 10)
	wantStock(t, sku, 6, 4)
	if resp, err := client(t).GetItem(t.Context(), &inventoryv1.GetItemRequest{Sku: sku}); err != nil || resp.GetItem().GetUnitPrice().GetMinorUnits() != 300 {
		t.Errorf("item %v, error %v, want it to cost 300", resp.GetItem(), err)
	}
}

func TestListGoesThroughAllItemsOnce(t *testing.T) {
	t.Parallel()
	want := map[string]bool{item(t, 1): true, item(t, 1): true, item(t, 1): true}
	seen := map[string]int{}
	for token := ""; ; {
		resp, err := client(t).ListItems(t.Context(), &inventoryv1.ListItemsRequest{PageSize: 2, PageToken: token})
		if err != nil || len(resp.GetItems()) > 2 {
			t.Fatalf("%d items, error %v", len(resp.GetItems()), err)
		}
		for _, i := range resp.GetItems() {
			seen[i.GetSku()]++
		}
		if token = resp.GetNextPageToken(); token == "" {
			break
		}
	}
	for sku := range want {
		if seen[sku] != 1 {
			t.Errorf("%s was listed %d times", sku, seen[sku])
		}
	}
}

func TestRefusalsAreTheSameInJSON(t *testing.T) {
	t.Parallel()
	sku := item(t, 1)
	for name, c := range map[string]struct {
		method, body string
		status       int
		want         string
	}{
		"reserve":            {"ReserveStock", `{"order_id":"` + cloudtest.NewID() + `","quantities":{"` + sku + `":1}}`, 200, `"RESERVATION_STATE_HELD"`},
		"out of stock":       {"ReserveStock", `{"order_id":"` + cloudtest.NewID() + `","quantities":{"` + sku + `":9}}`, 400, `"reason":"out_of_stock"`},
		"unknown product":    {"ReserveStock", `{"order_id":"` + cloudtest.NewID() + `","quantities":{"of nobody's":1}}`, 400, `"reason":"out_of_stock"`},
		"nothing to reserve": {"ReserveStock", `{"order_id":"o1"}`, 400, `"field":"quantities"`},
		"less than nothing":  {"ReserveStock", `{"order_id":"o1","quantities":{"` + sku + `":-1}}`, 400, `"reason":"invalid_request"`},
		"no order":           {"ReleaseStock", `{}`, 400, `"field":"order_id"`},
		"no such item":       {"GetItem", `{"sku":"of nobody's"}`, 404, `"reason":"unknown_sku"`},
		"no price":           {"UpsertItems", `{"items":[{"sku":"a"}]}`, 400, `items[0].unit_price.currency_code`},
		"no items":           {"UpsertItems", `{}`, 400, `"field":"items"`},
		"before all files":   {"UpsertItems", `{"generation":-1}`, 400, `"field":"generation"`},
		"page too large":     {"ListItems", `{"page_size":1001}`, 400, `"field":"page_size"`},
	} {
		a := cloudtest.Send(t, http.MethodPost, os.Getenv("INVENTORY_URL")+"/orderflow.inventory.v1.InventoryService/"+c.method,
			cloudtest.Header{"Content-Type": "application/json"}, c.body)
		if a.Status != c.status || !strings.Contains(strings.ReplaceAll(a.Body, ": ", ":"), c.want) {
			t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.want)
		}
	}
}

package showstock_test

import (
	"net/http"
	"net/url"
	"testing"

	_ "orderflow.dev/functions/operations/show-stock"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer, cloudtest.Service("inventory")) }

func show(t *testing.T, sku string, scopes ...string) cloudtest.Answer {
	t.Helper()
	query := url.Values{"sku": {sku}}
	return cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "show-stock")+"?"+query.Encode(), cloudtest.Bearer(t, "olga", scopes...), "")
}

func TestStockAndWhoCorrectedIt(t *testing.T) {
	t.Parallel()
	db := cloudtest.Database(t, "inventory")
	stocking := inventory.Stocking{Items: store.NewItems(db, db)}
	sku := "A/B " + cloudtest.NewID()
	_, err := stocking.Upsert(t.Context(), 0, []inventory.Stated{{
		Stock: 10, Item: inventory.Item{SKU: sku, Name: "Tea", UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 250}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, delta := range []int64{-3, 1} {
		if _, _, err := stocking.Adjust(t.Context(), inventory.Adjustment{ID: cloudtest.NewID(), SKU: sku, Delta: delta, By: "olga", Note: "counted"}); err != nil {
			t.Fatal(err)
		}
	}
	var got inventoryv1.GetItemResponse
	a := show(t, sku, "operator")
	if a.Read(t, &got); a.Status != 200 || got.GetItem().GetAvailable() != 8 || len(got.GetAdjustments()) != 2 || got.GetAdjustments()[0].GetDelta() != 1 {
		t.Errorf("answer %d %s, want 8 there and the last correction first", a.Status, a.Body)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for sku, want := range map[string]int{"nobody's": 422, "": 400} {
		if a := show(t, sku, "operator"); a.Status != want {
			t.Errorf("%q: answer %d %s, want %d", sku, a.Status, a.Body, want)
		}
	}
	if a := show(t, "nobody's"); a.Status != 403 {
		t.Errorf("a customer: answer %d %s, want 403", a.Status, a.Body)
	}
}

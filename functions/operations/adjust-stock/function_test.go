package adjuststock_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	_ "orderflow.dev/functions/operations/adjust-stock"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/local/cloudtest"
	_ "orderflow.dev/services/inventory"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Issuer, cloudtest.Service("inventory")) }

// item is a new product of which there are ten.
func item(t *testing.T) string {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), os.Getenv("INVENTORY_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sku := "SKU/" + cloudtest.NewID()
	_, err = inventoryv1.NewInventoryServiceClient(conn).UpsertItems(t.Context(), &inventoryv1.UpsertItemsRequest{
		Items: []*inventoryv1.StatedItem{{Sku: sku, Name: "Tea", UnitPrice: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 250}, Stock: 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return sku
}

func adjust(t *testing.T, key, sku string, delta int, reason string, scopes ...string) cloudtest.Answer {
	t.Helper()
	header := cloudtest.Bearer(t, "olga", scopes...)
	header["Idempotency-Key"] = key
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "adjust-stock"), header, fmt.Sprintf(`{"sku":%q,"delta":"%d","reason":%q}`, sku, delta, reason))
}

func TestStockIsCorrectedOnceInSomebodysName(t *testing.T) {
	t.Parallel()
	sku, key := item(t), cloudtest.NewID()
	for range 2 {
		var resp inventoryv1.AdjustStockResponse
		a := adjust(t, key, sku, -3, "broken", "operator")
		if a.Status != 200 {
			t.Fatalf("answer %d %s", a.Status, a.Body)
		}
		a.Read(t, &resp)
		if kept := resp.GetAdjustment(); resp.GetItem().GetAvailable() != 7 || kept.GetBy() != "olga" || kept.GetNote() != "broken" || kept.GetStockAfter() != 7 {
			t.Errorf("answer %s", a.Body)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	sku := item(t)
	for name, c := range map[string]struct {
		key, sku string
		delta    int
		reason   string
		status   int
		want     string
	}{
		"more than there is": {"a", sku, -11, "x", 409, "stock_held"},
		"no such product":    {"b", "nobody's", 1, "x", 422, "unknown_sku"},
		"by nothing":         {"c", sku, 0, "x", 400, "invalid_request"},
		"no reason":          {"d", sku, 1, "", 400, "invalid_request"},
		"no key":             {"", sku, 1, "x", 400, "invalid_request"},
	} {
		if a := adjust(t, c.key, c.sku, c.delta, c.reason, "operator"); a.Status != c.status || cloudtest.Reason(t, a) != c.want {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.want)
		}
	}
	for name, a := range map[string]cloudtest.Answer{
		"reason": adjust(t, "f", sku, 1, " ", "operator"), "Idempotency-Key": adjust(t, "", sku, 1, "x", "operator"),
	} {
		if !strings.Contains(a.Body, `"field":"`+name+`"`) {
			t.Errorf("%s is wrong: answer %s, want it by the name that the caller knows", name, a.Body)
		}
	}
	if a := adjust(t, "e", sku, 1, "x"); a.Status != 403 {
		t.Errorf("a customer: answer %d %s, want 403", a.Status, a.Body)
	}
}

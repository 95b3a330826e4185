package imports

import (
	"testing"
	"time"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	inventoryv1 "orderflow.dev/gen/orderflow/inventory/v1"
)

const catalogueHead = "sku,name,unit_price,currency,stock\n"

// awaitStock waits until a product is so, and answers its price in minor units.
func awaitStock(t *testing.T, sku string, available, held int64) int64 {
	t.Helper()
	for {
		resp, err := look.Inventory().GetItem(t.Context(), &inventoryv1.GetItemRequest{Sku: sku})
		it := resp.GetItem()
		if err == nil && it.GetAvailable() == available && it.GetHeld() == held {
			return it.GetUnitPrice().GetMinorUnits()
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-time.After(time.Until(deadline(t))):
			t.Fatalf("%s is %v, error %v, want %d available and %d held", sku, it, err, available, held)
		}
	}
}

// deadline leaves time to say what is wrong.
func deadline(t *testing.T) time.Time {
	if d, ok := t.Deadline(); ok {
		return d.Add(-5 * time.Second)
	}
	return time.Now().Add(time.Minute)
}

// TestAProductOfACatalogueCanBeOrdered also states the product anew while some of it is held.
func TestAProductOfACatalogueCanBeOrdered(t *testing.T) {
	t.Parallel()
	const sku, order = "LAMP/7", "order_ref,customer_id,sku,quantity,payment_method\nlamps,c1,LAMP/7,3,pm_approve\n"
	id, o := upload(t, "catalog/monday.csv", catalogueHead+sku+",\"Lamp, brass\",12.50,GBP,10\n"+"BULB,Bulb,free,GBP,1\n", nil)
	if im := report(t, id); im.GetRows() != 2 || im.GetItems() != 1 || im.GetRejectedRows() != 1 || im.GetRejectsUri() == "" || im.GetOrders() != 0 {
		t.Errorf("report %v", im)
	}
	id, _ = upload(t, "orders/lamps/a.csv", order, nil)
	if im := report(t, id); im.GetOrders() != 1 || im.GetTotals()[0].GetMinorUnits() != 3*1250 {
		t.Errorf("report of the order %v", im)
	}
	awaitStock(t, sku, 7, 3)
	id, _ = upload(t, "catalog/tuesday.csv", catalogueHead+sku+",\"Lamp, brass\",13.00,GBP,5\n", nil)
	if im := report(t, id); im.GetState() != importingv1.ImportState_IMPORT_STATE_DONE || im.GetItems() != 1 || im.GetSuperseded() != 0 {
		t.Errorf("report of the second catalogue %v", im)
	}
	redeliver(t, o) // the first once more: it has nothing to say any more
	if price := awaitStock(t, sku, 2, 3); price != 1300 {
		t.Errorf("it costs %d, want 1300", price)
	}
}

func TestACatalogueThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	id, _ := upload(t, "catalog/wrong.csv", "sku,price\nA,1\n", nil)
	if im := report(t, id); im.GetState() != importingv1.ImportState_IMPORT_STATE_FAILED || im.GetProblem() == "" {
		t.Errorf("report %v", im)
	}
}

package imports

import (
	"strings"
	"testing"
)

// TestAReferenceThatIsThereWithOtherContent is refused: in the same file with both lines, in another with a hint.
func TestAReferenceThatIsThereWithOtherContent(t *testing.T) {
	t.Parallel()
	const header = "order_ref,customer_id,sku,quantity,payment_method\n"
	id, _ := upload(t, "orders/repeats/a.csv", header+"1,c,mug-blue,1,pm_approve\n2,c,mug-blue,1,pm_approve\n1,c,mug-blue,2,pm_approve\n", nil)
	im := report(t, id)
	text, _ := read(t, strings.TrimPrefix(im.GetRejectsUri(), "gs://"+reports.Name()+"/"))
	if im.GetOrders() != 2 || im.GetRejectedByReason()["repeated_order_ref"] != 1 || !strings.Contains(text, ",4,order_ref 1 is on line 2 already") {
		t.Errorf("report %v, rejects %s", im, text)
	}
	id, _ = upload(t, "orders/repeats/b.csv", header+"2,c,mug-blue,5,pm_approve\n", nil)
	if im := report(t, id); im.GetOrders() != 0 || im.GetRejectedByReason()["already_imported"] != 1 {
		t.Errorf("report %v", im)
	}
}

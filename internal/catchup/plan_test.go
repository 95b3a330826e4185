package catchup_test

import (
	"testing"
	"time"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/internal/store/memory"
	"orderflow.dev/local/stack"
)

// A plan that follows treats a rebuilt order as any other, says in a dry run what it will do, and undoes nothing of an order
// that a longer look into the archive may bring back. What was never archived stays lost.
func TestPlansFollowWhatIsCaughtUp(t *testing.T) {
	t.Parallel()
	records := []archive.Record{record(t, "orders", happened("o2", "PC", "")[1])} // its first event was not read
	for _, e := range happened("o1", "PC", "") {
		records = append(records, record(t, "orders", e))
	}
	s, db, _ := orders(t, nil)
	world := func() promise.World {
		w, err := stack.Stores{Orders: db, Payments: &memory.Database{}, Inventory: &memory.Database{}, Platform: &memory.Database{}}.World(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Payments = append(w.Payments, promise.Payment{Payment: payment.Payment{OrderID: "o4", State: payment.Charged, Amount: gbp(10), CreateTime: moment.Add(-time.Second)}})
		for _, id := range []string{"o1", "o2", "o3", "o4"} {
			w.Ledger = append(w.Ledger, promise.Movement{Type: "charge", OrderID: id, Amount: 10, Currency: "GBP"})
		}
		return w
	}
	byOrder := func(outcomes map[string]catchup.Outcome) map[string][]repair.Act {
		var all []catchup.Outcome
		for _, o := range outcomes {
			all = append(all, o)
		}
		acts := map[string][]repair.Act{}
		for _, f := range catchup.Plan(world(), all, moment) {
			acts[f.OrderID] = f.Acts
		}
		return acts
	}
	dry := byOrder(catchUp(t, s, true, records...))
	done := byOrder(catchUp(t, s, false, records...))
	same(t, "plan of a dry run", done, dry)
	if older, told := done["o4"]; !told || len(older) > 0 {
		t.Errorf("of an order from before what was read, would do %+v", older)
	}
	if len(done) != 3 || len(done["o1"]) != 2 || done["o1"][0].Do != repair.Adopt || done["o1"][1].Do != repair.Hold ||
		len(done["o3"]) != 3 || done["o3"][1].Do != repair.Refund {
		t.Errorf("would do %+v", done)
	}
}

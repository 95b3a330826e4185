package repair_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
	"orderflow.dev/internal/store"
)

// Whatever databases and provider a restore leaves beside each other: repaired, and left to sagas and sweeps, they keep
// every promise, or a person is told of the order.
func TestEveryRestoredOrderKeepsItsPromisesOrIsForAPerson(t *testing.T) {
	t.Parallel()
	tried, told := 0, map[order.Status]int{}
	each(func(r restored) {
		tried++
		total := int64(2500)
		if r.free {
			total = 0
		}
		w := newWorld(t, total)
		r.build(w)
		charges := w.bank.Summary().Charges
		outcomes := w.repair()
		person := false
		for _, o := range outcomes {
			person = person || o.ForPerson()
			if o.Err != nil && fault.Code(o.Err) != codes.DataLoss {
				t.Errorf("%+v: %v", r, o.Err)
			}
		}
		w.settle()
		if person {
			told[r.status]++
		} else if broken := w.violations(); len(broken) > 0 {
			t.Errorf("%+v: repaired by %v, and broken: %q", r, outcomes, broken)
		}
		r.wantMoney(t, w, charges, person)
		r.wantDone(t, w, person)
	})
	t.Logf("%d combinations, for a person: %v", tried, told)
}

// wantMoney: nothing is taken that the order does not need any more, and what can be given back is.
func (r restored) wantMoney(t *testing.T, w *world, before int, person bool) {
	t.Helper()
	s := w.bank.Summary()
	undecided := r.payment == "" || r.payment == "CHARGING" || r.payment == "PENDING" // any other state has the provider's last word
	known := r.status != "" || r.payment != "" || r.reservation != 0                  // of what nobody knows, the ledger tells once money moved
	if r.provider == "open" && r.status != order.Confirmed && undecided && known {
		w.bank.Settle(id) // a charge that is still open takes its money now
		if late := w.bank.Summary().Net; late != 0 && (r.status == "" || !person) {
			t.Errorf("%+v: the provider could still take %d", r, late)
		}
	}
	if s.DoubleCharges > 0 || r.status != order.Placed && s.Charges != before {
		t.Errorf("%+v: the provider was charged %d times, %d before", r, s.Charges, before)
	}
	if r.status == order.Confirmed && r.provider == "charged" && s.Refunded > 0 {
		t.Errorf("%+v: money of a confirmed order was given back", r)
	}
	if (r.status == order.Cancelled || r.status == "") && !person && s.Net != 0 {
		t.Errorf("%+v: the provider keeps %d", r, s.Net)
	}
}

// wantDone: a second repair finds nothing more to do.
func (r restored) wantDone(t *testing.T, w *world, person bool) {
	t.Helper()
	for _, f := range repair.Plan(w.gather()) {
		if f.Person == "" && !person || len(f.Acts) > 0 && !person {
			t.Errorf("%+v: a second repair would %v: %s", r, f.Acts, f.What)
		}
	}
}

// What a restore commonly leaves is repaired without a person, by these deeds.
func TestWhatARestoreLeavesIsRepaired(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		restored
		want []repair.Deed
	}{
		"nothing was lost":                      {restored{status: order.Confirmed, payment: "CHARGED", provider: "charged", reservation: inventory.Held}, nil},
		"payment lost, order confirmed":         {restored{status: order.Confirmed, provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Adopt}},
		"payment charging, order confirmed":     {restored{status: order.Confirmed, payment: "CHARGING", provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Adopt}},
		"stock lost, order confirmed":           {restored{status: order.Confirmed, payment: "CHARGED", provider: "charged"}, []repair.Deed{repair.Hold}},
		"stock lost and sold":                   {restored{status: order.Confirmed, payment: "CHARGED", provider: "charged", scarce: true}, []repair.Deed{repair.Hold}},
		"confirmation lost":                     {restored{status: order.Placed, payment: "CHARGED", provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Resume}},
		"confirmation and payment lost":         {restored{status: order.Placed, provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Adopt, repair.Resume}},
		"cancellation lost, money back":         {restored{status: order.Placed, payment: "CHARGED", provider: "refunded", reservation: inventory.Held}, []repair.Deed{repair.Adopt, repair.Resume}},
		"cancelled, refund lost":                {restored{status: order.Cancelled, reason: order.ByCustomer, payment: "CHARGED", provider: "refunded", reservation: inventory.Released}, []repair.Deed{repair.Adopt}},
		"cancelled, payment lost":               {restored{status: order.Cancelled, reason: order.ByCustomer, provider: "refunded", reservation: inventory.Released}, []repair.Deed{repair.Adopt}},
		"cancelled as declined, payment lost":   {restored{status: order.Cancelled, reason: order.Declined, provider: "declined", reservation: inventory.Released}, []repair.Deed{repair.Adopt, repair.Refund}},
		"cancelled, held again":                 {restored{status: order.Cancelled, reason: order.ByCustomer, payment: "REFUNDED", provider: "refunded", reservation: inventory.Held}, []repair.Deed{repair.Release}},
		"cancelled, never reserved":             {restored{status: order.Cancelled, reason: order.Expired, payment: "VOIDED", provider: "voided"}, []repair.Deed{repair.Release}},
		"refused, refusal lost":                 {restored{status: order.Cancelled, reason: order.OutOfStock, payment: "tombstone", provider: "nothing"}, []repair.Deed{repair.Refuse}},
		"tombstone written before it was known": {restored{status: order.Cancelled, reason: order.ByCustomer, payment: "tombstone", provider: "charged", reservation: inventory.Released}, []repair.Deed{repair.Adopt, repair.Refund}},
		"cancelling, payment lost":              {restored{status: order.Cancelling, reason: order.ByCustomer, provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Adopt, repair.Resume}},
		"on its way as it always is":            {restored{status: order.Placed, payment: "CHARGING", provider: "open", reservation: inventory.Held}, nil},
		"lost, charged and held":                {restored{payment: "CHARGED", provider: "charged", reservation: inventory.Held}, []repair.Deed{repair.Refund, repair.Release}},
		"lost, and only the provider knows":     {restored{provider: "charged"}, []repair.Deed{repair.Adopt, repair.Refund, repair.Release}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 2500)
			c.build(w)
			var got []repair.Deed
			for _, o := range w.repair() {
				got = append(got, o.Done...)
				if o.ForPerson() != (c.status == "") {
					t.Errorf("for a person: %q %v", o.Person, o.Err)
				}
			}
			wantDeeds(t, c.want, got)
			w.settle()
			if broken := w.violations(); len(broken) > 0 && c.status != "" {
				t.Errorf("broken: %q", broken)
			}
		})
	}
}

func wantDeeds(t *testing.T, want, got []repair.Deed) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("did %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("did %q, want %q", got, want)
		}
	}
}

// Stock that is older than its reservations, as no restore of one database leaves it, but an import of an export may.
func TestHeldStockIsCountedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2500)
	restored{status: order.Confirmed, payment: "CHARGED", provider: "charged", reservation: inventory.Held}.build(w)
	stock := store.NewInventory(w.inventory)
	seen, err := stock.LoadStock(t.Context(), []string{"jar"})
	if err != nil {
		t.Fatal(err)
	}
	jar := seen["jar"]
	jar.Held, jar.Available = 5, 5
	if err := stock.Save(t.Context(), nil, []*inventory.Stock{jar}); err != nil {
		t.Fatal(err)
	}
	if broken := w.violations(); len(broken) == 0 {
		t.Fatal("nothing is broken: nothing to repair")
	}
	outcomes := w.repair()
	if len(outcomes) != 1 || outcomes[0].OrderID != "" || outcomes[0].Err != nil {
		t.Errorf("repaired by %+v, want one product", outcomes)
	}
	w.settle()
	if broken := w.violations(); len(broken) > 0 {
		t.Errorf("broken: %q", broken)
	}
}

// An order that was placed while everything was read is not lost.
func TestAnOrderThatIsThereAfterAllIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2500)
	r := restored{payment: "CHARGED", provider: "charged", reservation: inventory.Held}
	r.build(w)
	plan := repair.Plan(w.gather())
	r.status = order.Placed
	if err := r.writeOrder(w, "pm_approve"); err != nil {
		t.Fatal(err)
	}
	for _, f := range plan {
		if o := w.repairing().Do(t.Context(), f); len(o.Done) > 0 || o.ForPerson() || o.Err != nil {
			t.Errorf("did %v, %q, %v", o.Done, o.Person, o.Err)
		}
	}
	if s := w.bank.Summary(); s.Refunded != 0 {
		t.Errorf("%d were given back", s.Refunded)
	}
}

func TestWhatCannotBeReadIsForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 2500)
	restored{status: order.Cancelled, reason: order.ByCustomer, payment: "CHARGED", provider: "charged", reservation: inventory.Held}.build(w)
	all := w.gather()
	all.Unreadable = append(all.Unreadable, promise.Unreadable{Path: "payments/" + id, OrderID: id})
	all.Payments = nil
	plan := repair.Plan(all)
	if len(plan) != 1 || len(plan[0].Acts) > 0 || plan[0].Person == "" {
		t.Errorf("plan %+v, want a person and no act", plan)
	}
}

// Package repair brings the contexts' databases back to what Orderflow promises after they were restored, each perhaps to
// another second. It plans from everything that the stores and the provider's ledger say, as promises are checked, and acts
// through the ordinary parts. The provider's ledger is the truth about money, an order's journal about what its customer was
// told; what neither decides is left to a person.
package repair

import (
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/payment"
)

// Finding is what is not as it should be with one order, or with one product, and what is to be done about it.
type Finding struct {
	OrderID string // empty: it is about a product
	What    string // how order, payment, money and stock stand
	Acts    []Act  // in this order; each may be done again
	Lost    bool   // there is no such order, though others know of it
	Person  string // not empty: what no machine can decide, and what a person is to do
}

// Act is one thing to do. Which of its fields are set depends on the deed.
type Act struct {
	Do         Deed
	OrderID    string
	Claim      payment.Claim    // Adopt
	Quantities map[string]int32 // Hold, Refuse
	Stock      inventory.Stock  // Recount: as it was read
	Held       int64            // Recount: what HELD reservations have
}

// Deed is what an Act does.
type Deed string

// The deeds. Those of the first group write down what is known elsewhere, the others are what sagas do.
const (
	Adopt   Deed = "adopt the provider's word"     // payment.Paying.Adopt
	Hold    Deed = "hold the stock again"          // inventory.Mending.Hold
	Refuse  Deed = "record that stock was refused" // inventory.Mending.Refuse
	Recount Deed = "count held stock again"        // inventory.Mending.Recount

	Refund  Deed = "give the money back" // PaymentService.RefundPayment
	Release Deed = "release the stock"   // InventoryService.ReleaseStock
	Resume  Deed = "start the saga"      // order.Fulfilling.Resume
)

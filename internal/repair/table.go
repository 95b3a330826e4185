package repair

import (
	"orderflow.dev/internal/inventory"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/payment"
)

// lost is the status of an order that others know of and that is not there.
const lost order.Status = "LOST"

// standing is where an order's money stands by the provider's ledger.
type standing string

const (
	none     standing = "nothing taken" // a charge may be open all the same
	taken    standing = "taken"
	returned standing = "taken and given back"
	odd      standing = "odd" // moved twice, in part, or in another amount
)

// answer is what a payment's state is worth beside the ledger.
type answer int

const (
	clash  answer = iota // they contradict each other: a person must look
	agree                // neither knows more than the other
	behind               // the provider knows more: its word is adopted
)

// absent is the state of a payment that is not there, tombstone that of one that is VOIDED without a journal: written
// when there was none.
const (
	absent    payment.State = 0
	tombstone payment.State = -1
)

// payments says what a payment's state is worth beside the ledger. What has no entry is a clash.
var payments = map[payment.State]map[standing]answer{
	absent:           {none: agree, taken: behind, returned: behind},
	tombstone:        {none: agree, taken: behind, returned: behind},
	payment.Charging: {none: agree, taken: behind, returned: behind},
	payment.Pending:  {none: agree, taken: behind, returned: behind},
	payment.Charged:  {taken: agree, returned: behind},
	payment.Refunded: {returned: agree},
	payment.Declined: {none: agree},
	payment.Voided:   {none: agree},
}

// undecided are the states that the provider's word may still end.
var undecided = map[payment.State]bool{absent: true, tombstone: true, payment.Charging: true, payment.Pending: true}

// course is what an order's status asks of its money and its stock.
type course struct {
	money map[standing]Deed // once the provider's word is adopted; what has no entry is for a person
	stock map[inventory.State]Deed
	saga  bool // the order has not ended: a saga does the rest
}

const (
	nothing Deed            = ""
	missing inventory.State = 0 // of a reservation that is not there
)

// undone is what a CANCELLED or lost order asks for. Tombstones refuse what is still on its way to it.
var undone = course{
	money: map[standing]Deed{none: Refund, taken: Refund, returned: nothing},
	stock: map[inventory.State]Deed{missing: Release, inventory.Held: Release},
}

// courses are by the order's status.
var courses = map[order.Status]course{
	lost:             undone,
	order.Cancelled:  undone,
	order.Cancelling: {saga: true, money: map[standing]Deed{none: nothing, taken: nothing, returned: nothing}},
	order.Placed:     {saga: true, money: map[standing]Deed{none: nothing, taken: nothing, returned: nothing}},
	// Its customer was told, and the goods may be on their way. Money that is not there is never taken again.
	order.Confirmed: {
		money: map[standing]Deed{taken: nothing},
		stock: map[inventory.State]Deed{missing: Hold, inventory.Refused: Hold, inventory.Released: Hold},
	},
}

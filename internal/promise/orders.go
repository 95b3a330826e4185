package promise

import (
	"orderflow.dev/internal/order"
)

func acknowledgedExists(c *check, v *Verdict) {
	v.Checked = len(c.Acknowledged)
	told := map[string]bool{}
	for _, a := range c.Acknowledged {
		if c.orders[a.OrderID] == nil && !told[a.OrderID] && !c.unreadable("orders/"+a.OrderID) {
			v.fail(a.OrderID, "it was acknowledged and is not there")
		}
		told[a.OrderID] = true
	}
}

// unreadable says that a document is there, though nobody knows what it says: journal-is-legal tells of it.
func (c *check) unreadable(path string) bool {
	for _, u := range c.Unreadable {
		if u.Path == path {
			return true
		}
	}
	return false
}

// oneOrderPerKey rests on the id, which is made from customer and key: where these are known the id is made again, and
// in any case everything a document says must be of the order it is kept as.
func oneOrderPerKey(c *check, v *Verdict) {
	v.Checked = len(c.Orders)
	seen := map[string]bool{}
	for i := range c.Orders {
		o := &c.Orders[i]
		v.failIf(seen[o.ID], o.ID, "it is there twice")
		seen[o.ID] = true
		for _, e := range o.Journal.Entries {
			id := e.Event.GetOrderId()
			v.failIf(id != o.ID, o.ID, "its event %d is of order %s", e.Event.GetSeq(), id)
		}
	}
	for _, a := range c.Acknowledged {
		if a.IdempotencyKey == "" {
			continue
		}
		want := (&order.Request{CustomerID: a.CustomerID, IdempotencyKey: a.IdempotencyKey}).OrderID()
		v.failIf(a.OrderID != want, a.OrderID, "its customer and key make order %s: one key has two orders", want)
		if o := c.orders[a.OrderID]; o != nil {
			customer := o.created().GetCustomerId()
			v.failIf(customer != a.CustomerID, a.OrderID, "customer %q was told of it, it is of customer %q", a.CustomerID, customer)
		}
	}
}

func endedInTime(c *check, v *Verdict) {
	v.Checked = len(c.Orders)
	for i := range c.Orders {
		o := &c.Orders[i]
		expire := o.created().GetExpireTime()
		if expire == nil {
			v.fail(o.ID, "it has no expire_time: nothing bounds it")
			continue
		}
		bound := expire.AsTime().Add(c.Slack)
		at, ended := o.ending()
		switch {
		case ended && at.After(bound):
			v.fail(o.ID, "it ended %s after its bound", at.Sub(bound))
		case !ended && c.now.After(bound):
			v.fail(o.ID, "it is %s, %s after its bound", statusOf(o.Journal), c.now.Sub(bound))
		}
	}
}

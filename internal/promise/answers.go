package promise

import (
	"net/http"
	"slices"

	"orderflow.dev/internal/order"
)

// sameKeySameAnswer: what a key was first answered is what it is always answered, and no other key.
func sameKeySameAnswer(p *past, v *Verdict) {
	type key struct{ customer, key string }
	keys := grouped(p.Answers, func(a Answer) key { return key{a.CustomerID, a.IdempotencyKey} })
	v.Checked = len(keys)
	made := map[string]bool{}
	for _, answers := range keys {
		first := taken(answers)
		if first != nil {
			v.failIf(made[first.OrderID], first.OrderID, "two keys were answered with it")
			made[first.OrderID] = true
		}
		for _, a := range answers {
			if a.Status == http.StatusCreated {
				sameAnswer(v, first, a)
			} else {
				p.refusal(v, first, answers, a)
			}
		}
	}
}

// taken is the first answer that there is an order; nil if there is none.
func taken(answers []Answer) (first *Answer) {
	for i := range answers {
		a := &answers[i]
		if a.Status == http.StatusCreated && (first == nil || a.Answered.Before(first.Answered)) {
			first = a
		}
	}
	return first
}

func sameAnswer(v *Verdict, first *Answer, a Answer) {
	v.failIf(a.OrderID != first.OrderID, first.OrderID, "its key was answered with order %s too", a.OrderID)
	v.failIf(a.Request != first.Request, first.OrderID, "another request under its key was answered 201")
	v.failIf(a.Body != first.Body, first.OrderID, "its key was answered with other bytes")
}

// refusal checks an answer that makes no order: first is one that did, answers are all of its key.
func (p *past) refusal(v *Verdict, first *Answer, answers []Answer, a Answer) {
	own := first != nil && a.Request == first.Request
	if a.Reason != "idempotency_key_reused" {
		late := own && !a.Asked.Before(first.Answered)
		v.failIf(late && !trouble(a.Status), a.order(), "the request that made it was answered %d %s after it was answered 201", a.Status, a.Reason)
		return
	}
	another := slices.ContainsFunc(answers, func(b Answer) bool { return b.Request != a.Request })
	switch id := a.order(); {
	case own:
		v.fail(id, "the request that made it was refused as another's")
	case !another:
		v.fail(id, "its key was refused as reused, and only one request used it")
	case p.orders[id] == nil && !p.unreadable("orders/"+id):
		v.fail(id, "its key was refused as reused, and there is no such order")
	}
}

// order is the one that the answer's customer and key make.
func (a Answer) order() string {
	return (&order.Request{CustomerID: a.CustomerID, IdempotencyKey: a.IdempotencyKey}).OrderID()
}

// trouble says nothing of a request: it may come to any, at any time. So may no answer.
func trouble(status int) bool {
	switch status {
	case 0, http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests, 499:
		return true
	}
	return status >= http.StatusInternalServerError
}

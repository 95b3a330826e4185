package main

import (
	"regexp"
	"strings"
	"testing"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/psp"
)

const (
	isPlaced    = orderv1.OrderStatus_ORDER_STATUS_PLACED
	isConfirmed = orderv1.OrderStatus_ORDER_STATUS_CONFIRMED
	isCancelled = orderv1.OrderStatus_ORDER_STATUS_CANCELLED
	forReason   = "--reason"
)

// desk is where an operator sits: commands in the name of olga, about a running stack that is reached as a deployed one is.
type desk struct {
	*running
	token string
}

func (d desk) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, _, err := orderflow(t.Context(), append(args, "--gateway", d.Gateway, "--token-file", d.token)...)
	return out, err
}

// do runs a command that must succeed, and print some parts.
func (d desk) do(t *testing.T, args []string, parts ...string) string {
	t.Helper()
	out, err := d.try(t, args...)
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	has(t, out, parts...)
	return out
}

// refuse runs a command that must fail, print nothing, and say some parts.
func (d desk) refuse(t *testing.T, args []string, parts ...string) {
	t.Helper()
	out, err := d.try(t, args...)
	if err == nil || exitCode(err) != 1 || out != "" {
		t.Errorf("%s: error %v, code %d, printed:\n%s", args, err, exitCode(err), out)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: there is no %q in: %v", args, p, err)
		}
	}
}

func words(s string) []string { return strings.Fields(s) }

// TestOperators does what the runbook says with a running stack, and then has every promise checked.
func TestOperators(t *testing.T) {
	t.Parallel()
	r := up(t)
	d := desk{r, r.tokenFile(t, "olga", e2e.OperatorScope)}
	t.Run("each", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, desk){
			"find": findsOrders, "refund": refunds, "cancel, retry, close": endsOrders, "unknown orders": unknownOrders,
			"stock": correctsStock, "tokens": needsAToken, "as people run them": asPeopleRunThem,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, d)
			})
		}
	})
	checksTheStack(t, d)
}

func findsOrders(t *testing.T, d desk) {
	open, declined := d.ordered(t, "finn", psp.MethodNever, isPlaced), d.ordered(t, "finn", psp.MethodDecline, isCancelled)
	whose := regexp.MustCompile(`customer +(\S+)`).FindStringSubmatch(d.do(t, words("orders show "+open)))[1]
	for args, want := range map[string][]string{
		"":                                      {open, declined},
		"--status CANCELLED --reason declined":  {declined},
		"--unended":                             {open},
		"--since 1h --stuck 0s --status PLACED": {open},
		"--until 1h":                            nil,
		"--stuck 1h":                            nil,
		"--origin no-import":                    nil,
	} {
		out := d.do(t, append(words("orders find --customer "+whose), words(args)...), want...)
		if n := strings.Count(out, whose); n != len(want) || (n == 0) != (out == "no such orders\n") {
			t.Errorf("find %s: %d orders, want %d:\n%s", args, n, len(want), out)
		}
	}
	out := d.do(t, words("orders find --limit 1 --customer "+whose), declined, "GBP 19.00", "there may be more than these 1: --limit")
	if strings.Contains(out, open) {
		t.Errorf("more than the limit, or not the newest first:\n%s", out)
	}
	for args, want := range map[string]string{
		"--status LOST":           "it may be PLACED, CONFIRMED, CANCELLING or CANCELLED",
		"--reason tired":          "it may be out_of_stock, declined,",
		"--limit 0":               "--limit",
		"--limit -1":              "--limit",
		"--stuck -1m":             "--stuck",
		"--since -1h":             "--since",
		"--until -1h":             "--until",
		"--since 1h --until 2h":   "there is no time between --since 1h0m0s and --until 2h0m0s",
		"--since yesterday":       `invalid argument "yesterday" for "--since"`,
		"--customer c --stuck 1w": "--stuck",
	} {
		d.refuse(t, append(words("orders find"), words(args)...), want)
	}
	d.do(t, []string{"orders", "cancel", open, forReason, "the test is over"}, "CANCELLING operator")
	d.await(t, "finn", open, func(o *orderv1.Order) bool { return o.GetStatus() == isCancelled })
}

func refunds(t *testing.T, d desk) {
	id := d.ordered(t, "rita", psp.MethodApprove, isConfirmed)
	refund := func(args ...string) []string { return append([]string{"orders", "refund", id}, args...) }
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, `"reason" not set`},
		{[]string{forReason, ""}, "--reason: say why"},
		{[]string{forReason, " "}, "--reason: say why"},
		{[]string{forReason, strings.Repeat("x", 501)}, "reason is 501 characters long: the most is 500"},
		{[]string{forReason, "r", "--amount", "1.234"}, `--amount "1.234": write it as 2.50`},
		{[]string{forReason, "r", "--amount", ""}, `--amount "": write it as 2.50`},
		{[]string{forReason, "r", "--amount", "0"}, `above zero`},
		{[]string{forReason, "r", "--amount", "-2"}, "write it as 2.50"},
		{[]string{forReason, "r", "--amount", "EUR 2.50"}, "was paid in GBP"},
		{[]string{forReason, "r", "--amount", "2.50 EUR"}, "write it as 2.50"},
		{[]string{forReason, "r", "--amount", "19.01"}, "has GBP 19.00 left of GBP 19.00 to give back: GBP 19.01 is too much"},
		{[]string{forReason, "r", "--key", "a b"}, "Idempotency-Key"},
	} {
		d.refuse(t, refund(c.args...), c.want)
	}
	for range 2 {
		out := d.do(t, refund("--amount", "GBP 2.50", forReason, "a broken mug", "--key", "T-1"), "order "+id+"  CONFIRMED", "refund of GBP 2.50")
		if strings.Count(out, "refund of") != 1 {
			t.Errorf("the same key again:\n%s", out)
		}
	}
	d.refuse(t, refund("--amount", "2.51", forReason, "r", "--key", "T-1"), "refund of GBP 2.50", "use a new key")
	d.refuse(t, refund("--amount", "17", forReason, "r"), "has GBP 16.50 left of GBP 19.00 to give back: GBP 17.00 is too much")
	d.do(t, refund(forReason, "lost in the post"), "refund of GBP 2.50", "refund of GBP 16.50")
	d.refuse(t, refund(forReason, "r"), "has all of its money back")
	d.await(t, "rita", id, func(o *orderv1.Order) bool {
		return len(o.GetRefunds()) == 2 && o.GetRefunds()[0].GetRefundTime() != nil && o.GetRefunds()[1].GetRefundTime() != nil
	})
	out := d.do(t, words("orders show "+id), "CONFIRMED", "line", "2 × mug-blue  GBP 9.50", "HELD", "GBP 19.00 of it given back",
		"GBP 2.50 given back (T-1)", "GBP 2.50 T-1 by olga: a broken mug", "by olga: lost in the post", "OrderRefunded")
	if n := strings.Count(out, "OrderRefundRequested"); n != 2 {
		t.Errorf("%d refunds were asked for, want 2:\n%s", n, out)
	}
	for act, want := range map[string]string{"cancel": "refund it instead", "close": "it is refunded, not closed", "retry": "is CONFIRMED: there is nothing to retry"} {
		d.refuse(t, []string{"orders", act, id, forReason, "r"}, want)
	}
}

func endsOrders(t *testing.T, d desk) {
	id := d.ordered(t, "carl", psp.MethodNever, isPlaced)
	act := func(name string, args ...string) []string {
		return append([]string{"orders", name, id, forReason, "the customer called"}, args...)
	}
	d.await(t, "carl", id, func(*orderv1.Order) bool { // its saga has come to the provider
		return strings.Contains(d.do(t, words("orders show "+id)), "PENDING")
	})
	d.refuse(t, act("close"), "is PLACED: cancel it, its saga closes it then")
	d.refuse(t, act("refund"), "is PLACED: only a confirmed order is refunded")
	for _, name := range []string{"cancel", "retry", "close"} {
		d.refuse(t, words("orders "+name+" "+id), `"reason" not set`)
		d.refuse(t, []string{"orders", name, id, forReason, "\t"}, "--reason: say why")
	}
	for range 2 {
		d.do(t, act("retry", "--key", "once"), "order "+id+"  PLACED")
	}
	d.do(t, act("cancel"), "order "+id+"  CANCELLING operator")
	d.await(t, "carl", id, func(o *orderv1.Order) bool { return o.GetStatus() == isCancelled })
	d.do(t, act("cancel"), "order "+id+"  CANCELLED operator")
	d.do(t, act("close"), "order "+id+"  CANCELLED operator")
	d.refuse(t, act("retry"), "is CANCELLED: there is nothing to retry")
	d.refuse(t, act("refund"), "is CANCELLED: only a confirmed order is refunded")
	out := d.do(t, words("orders show "+id), "CANCELLED operator", "VOIDED", "RELEASED", "operator by olga: the customer called")
	for event, want := range map[string]int{"OrderRetried ": 1, "OrderCancellationStarted ": 1, "OrderCancelled ": 1} {
		if n := strings.Count(out, event); n != want {
			t.Errorf("%d of %s, want %d:\n%s", n, event, want, out)
		}
	}
}

func unknownOrders(t *testing.T, d desk) {
	d.refuse(t, words("orders show no-order"), "show order no-order", "there is no such order", "orderflow orders find")
	for _, name := range []string{"cancel", "retry", "close", "refund"} {
		d.refuse(t, []string{"orders", name, "no-order", forReason, "r"}, name+" order no-order", "there is no such order", "orderflow orders find")
		d.refuse(t, []string{"orders", name, forReason, "r"}, "accepts 1 arg(s), received 0")
		d.refuse(t, []string{"orders", name, "", forReason, "r"}, "say which order")
	}
	d.refuse(t, []string{"orders", "refund", "no-order", forReason, "r", "--amount", "1"}, "refund order no-order", "there is no such order")
	d.refuse(t, []string{"orders", "show", ""}, "say which order")
}

func correctsStock(t *testing.T, d desk) {
	const sku = "teapot-white" // which no other test here orders
	adjust := func(args ...string) []string { return append([]string{"stock", "adjust", sku}, args...) }
	d.do(t, words("stock show "+sku), "teapot-white  White teapot  GBP 34.50", "400 there: 400 free, 0 held for orders")
	for _, c := range []struct {
		args []string
		want string
	}{
		{words("--by -3"), `"reason" not set`},
		{words("--reason r"), "say by how much: --by -3"},
		{words("--by 0 --reason r"), "say by how much: --by -3"},
		{words("--by 1.5 --reason r"), `invalid argument "1.5" for "--by"`},
		{[]string{"--by", "-3", forReason, " "}, "--reason: say why"},
		{words("--by -401 --reason r"), "401 cannot be taken away, 400 are free and 0 are held for orders"},
	} {
		d.refuse(t, adjust(c.args...), c.want)
	}
	for range 2 {
		d.do(t, adjust("--by", "-3", forReason, "broken in the warehouse", "--key", "count-1"), "397 there: 397 free", "-3", "397", "olga", "broken in the warehouse")
	}
	d.refuse(t, adjust("--by", "-4", forReason, "r", "--key", "count-1"), "adjust the stock of "+sku, "use a new key")
	d.do(t, adjust("--by", "2", forReason, "found behind the shelf"), "399 there", "+2")
	out := d.do(t, words("stock show "+sku), "399 there: 399 free, 0 held", "broken in the warehouse", "found behind the shelf")
	if n := strings.Count(out, "olga"); n != 2 {
		t.Errorf("%d corrections, want 2:\n%s", n, out)
	}
	d.refuse(t, words("stock show no-such"), "show the stock of no-such", "the catalogue has no such product")
	d.refuse(t, words("stock adjust no-such --by 1 --reason r"), "adjust the stock of no-such", "the catalogue has no such product")
	d.refuse(t, []string{"stock", "show", ""}, "say which product")
}

package operateorder_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	_ "orderflow.dev/functions/operations/operate-order"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	operationsv1 "orderflow.dev/gen/orderflow/operations/v1"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/psp"
	_ "orderflow.dev/services/inventory"
	_ "orderflow.dev/services/payment"
)

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Issuer, cloudtest.Provider(psp.NewLedger(psp.LedgerOptions{})), cloudtest.Service("payment"), cloudtest.Service("inventory"))
}

func act(t *testing.T, id, key, body string, scopes ...string) cloudtest.Answer {
	t.Helper()
	header := cloudtest.Bearer(t, "olga", scopes...)
	header["Idempotency-Key"] = key
	return cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "operate-order")+"?id="+id, header, body)
}

// wantStatus checks an answer that is an order, and its journal.
func wantStatus(t *testing.T, what string, a cloudtest.Answer, id, status string, journal ...string) {
	t.Helper()
	var resp operationsv1.OperateOrderResponse
	if a.Status != 200 {
		t.Errorf("%s: answer %d %s", what, a.Status, a.Body)
		return
	}
	if a.Read(t, &resp); resp.GetOrder().GetStatus().String() != "ORDER_STATUS_"+status {
		t.Errorf("%s: %s, want %s", what, resp.GetOrder().GetStatus(), status)
	}
	if diff := cmp.Diff(journal, cloudtest.Journal(t, "orders", id)); diff != "" {
		t.Errorf("%s: journal (-want +got):\n%s", what, diff)
	}
}

func TestActsAreInTheJournalWithWhoAndWhy(t *testing.T) {
	t.Parallel()
	cancelled := cloudtest.NewTap(t, "orderflow.event.v1.OrderCancellationStarted")
	retried := cloudtest.NewTap(t, "orderflow.event.v1.OrderRetried")
	id := cloudtest.Placed(t, "c1").ID
	for range 2 {
		a := act(t, id, "k", `{"act":"ACT_RETRY","reason":"ticket 1"}`, "operator")
		wantStatus(t, "retry", a, id, "PLACED", "OrderCreated", "OrderRetried")
	}
	for range 2 {
		a := act(t, id, "", `{"act":"ACT_CANCEL","reason":"ticket 2"}`, "operator")
		wantStatus(t, "cancel", a, id, "CANCELLING", "OrderCreated", "OrderRetried", "OrderCancellationStarted")
	}
	var started eventv1.OrderCancellationStarted
	m := cancelled.One(id, &started)
	if started.GetBy() != "olga" || started.GetNote() != "ticket 2" || started.GetReason() != "operator" || m.Attributes["ce-resume"] != "true" {
		t.Errorf("published %v %v, want who, why, and that it starts a saga", &started, m.Attributes)
	}
	var again eventv1.OrderRetried
	m = retried.About(id)[0] // perhaps again by who came next and could not know
	if err := proto.Unmarshal(m.Data, &again); err != nil || again.GetBy() != "olga" || again.GetNote() != "ticket 1" || m.Attributes["ce-resume"] != "true" {
		t.Errorf("published %v %v, want who, why, and that it starts a saga", &again, m.Attributes)
	}
}

func TestCloseGathersItsEvidence(t *testing.T) {
	t.Parallel()
	id := cloudtest.Cancelling(t, "c1").ID
	for range 2 {
		a := act(t, id, "", `{"act":"ACT_CLOSE","reason":"its saga is dead"}`, "operator")
		wantStatus(t, "close", a, id, "CANCELLED", "OrderCreated", "OrderCancellationStarted", "OrderCancelled")
	}
}

func TestRefundIsDecidedOnce(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.OrderRefundRequested")
	id := cloudtest.Confirmed(t, "c1").ID // £5
	body := `{"act":"ACT_REFUND","reason":"broken","amount":{"currency_code":"GBP","minor_units":"200"}}`
	for range 2 {
		a := act(t, id, "r1", body, "operator")
		wantStatus(t, "refund", a, id, "CONFIRMED", "OrderCreated", "OrderConfirmed", "OrderRefundRequested")
	}
	var asked eventv1.OrderRefundRequested
	tap.One(id, &asked)
	if asked.GetAmount().GetMinorUnits() != 200 || asked.GetRefundId() != "r1" || asked.GetBy() != "olga" {
		t.Errorf("published %v", &asked)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	placed, confirmed := cloudtest.Placed(t, "c1").ID, cloudtest.Confirmed(t, "c1").ID
	for name, c := range map[string]struct {
		id, key, body string
		status        int
		reason        string
	}{
		"no act":             {placed, "k", `{"reason":"x"}`, 400, "invalid_request"},
		"no reason":          {placed, "k", `{"act":"ACT_CANCEL"}`, 400, "invalid_request"},
		"no key":             {placed, "", `{"act":"ACT_RETRY","reason":"x"}`, 400, "invalid_request"},
		"an act of nobody's": {placed, "k", `{"act":"ACT_DELETE","reason":"x"}`, 400, "invalid_json"},
		"no such order":      {"nobody", "k", `{"act":"ACT_CANCEL","reason":"x"}`, 404, "order_not_found"},
		"cancel confirmed":   {confirmed, "k", `{"act":"ACT_CANCEL","reason":"x"}`, 409, "already_confirmed"},
		"retry confirmed":    {confirmed, "k", `{"act":"ACT_RETRY","reason":"x"}`, 409, "already_ended"},
		"close placed":       {placed, "k", `{"act":"ACT_CLOSE","reason":"x"}`, 409, "not_cancelling"},
		"refund placed":      {placed, "k", `{"act":"ACT_REFUND","reason":"x"}`, 409, "not_confirmed"},
		"refund too much": {confirmed, "k", `{"act":"ACT_REFUND","reason":"x","amount":{"currency_code":"GBP","minor_units":"501"}}`,
			409, "refund_too_large"},
	} {
		a := act(t, c.id, c.key, c.body, "operator")
		if a.Status != c.status || cloudtest.Reason(t, a) != c.reason {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
	}
	for name, scopes := range map[string][]string{"a customer": nil, "somebody else's scope": {"imports.read", "operators"}} {
		if a := act(t, placed, "k", `{"act":"ACT_CANCEL","reason":"x"}`, scopes...); a.Status != 403 || cloudtest.Reason(t, a) != "missing_scope" {
			t.Errorf("%s: answer %d %s, want 403", name, a.Status, a.Body)
		}
	}
	if got := fmt.Sprint(cloudtest.Journal(t, "orders", placed)); got != "[OrderCreated]" {
		t.Errorf("its journal is %s all the same", got)
	}
}

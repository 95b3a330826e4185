package payment_test

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/psp"
	_ "orderflow.dev/services/payment"
)

// ledger is the provider's own: what money moved.
var ledger = psp.NewLedger(psp.LedgerOptions{})

func TestMain(m *testing.M) {
	cloudtest.Main(m, cloudtest.Provider(ledger), cloudtest.Setenv("PAYMENT_PROVIDER_TIMEOUT", "500ms"), cloudtest.Service("payment"))
}

func client(t *testing.T) paymentv1.PaymentServiceClient {
	t.Helper()
	conn, err := rpc.Dial(t.Context(), os.Getenv("PAYMENT_URL"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return paymentv1.NewPaymentServiceClient(conn)
}

func charge(t *testing.T, order, method string) (typev1.PaymentState, error) {
	t.Helper()
	resp, err := client(t).ChargePayment(t.Context(), &paymentv1.ChargePaymentRequest{
		OrderId: order, Amount: &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}, PaymentMethod: method,
	})
	return resp.GetPayment().GetState(), err
}

func refund(t *testing.T, order string) (typev1.PaymentState, error) {
	t.Helper()
	resp, err := client(t).RefundPayment(t.Context(), &paymentv1.RefundPaymentRequest{OrderId: order})
	return resp.GetPayment().GetState(), err
}

// moved is what an order's money did at the provider.
func moved(order string) (moves []string) {
	for _, m := range ledger.Movements() {
		if m.IdempotencyKey == order {
			moves = append(moves, m.Type)
		}
	}
	return moves
}

const (
	charged  = typev1.PaymentState_PAYMENT_STATE_CHARGED
	pending  = typev1.PaymentState_PAYMENT_STATE_PENDING
	declined = typev1.PaymentState_PAYMENT_STATE_DECLINED
	refunded = typev1.PaymentState_PAYMENT_STATE_REFUNDED
	voided   = typev1.PaymentState_PAYMENT_STATE_VOIDED
)

// TestChargeThenRefund takes every payment method to its end. The client tries again by itself what is UNAVAILABLE.
func TestChargeThenRefund(t *testing.T) {
	t.Parallel()
	for method, c := range map[string]struct {
		charged typev1.PaymentState
		refusal string
		after   typev1.PaymentState
		moves   []string
		journal []string
	}{
		psp.MethodApprove:           {charged, "", refunded, []string{"charge", "refund"}, []string{"PaymentProcessed", "PaymentRefunded"}},
		psp.MethodTimeoutCharged:    {charged, "", refunded, []string{"charge", "refund"}, []string{"PaymentProcessed", "PaymentRefunded"}},
		psp.MethodTimeoutNotCharged: {charged, "", refunded, []string{"charge", "refund"}, []string{"PaymentProcessed", "PaymentRefunded"}},
		psp.MethodFlaky:             {charged, "", refunded, []string{"charge", "refund"}, []string{"PaymentProcessed", "PaymentRefunded"}},
		psp.MethodPending:           {pending, "", voided, nil, []string{"PaymentFailed"}},
		psp.MethodDecline:           {0, "declined", declined, nil, []string{"PaymentFailed"}},
		"pm_of_nobody":              {0, "declined", declined, nil, []string{"PaymentFailed"}},
	} {
		order := cloudtest.NewID()
		for range 2 {
			s, err := charge(t, order, method)
			if s != c.charged || fault.Reason(err) != c.refusal || (err == nil) != (c.refusal == "") {
				t.Errorf("%s: charge: %v, error %v, want %v %s", method, s, err, c.charged, c.refusal)
			}
		}
		for range 2 {
			if s, err := refund(t, order); err != nil || s != c.after {
				t.Errorf("%s: refund: %v, error %v, want %v", method, s, err, c.after)
			}
		}
		if diff := cmp.Diff(c.moves, moved(order)); diff != "" {
			t.Errorf("%s: money (-want +got):\n%s", method, diff)
		}
		if diff := cmp.Diff(c.journal, cloudtest.Journal(t, "payments", order)); diff != "" {
			t.Errorf("%s: journal (-want +got):\n%s", method, diff)
		}
	}
}

func TestRefundBeforeChargeLeavesATombstone(t *testing.T) {
	t.Parallel()
	order := cloudtest.NewID()
	if s, err := refund(t, order); err != nil || s != voided {
		t.Errorf("refund: %v, error %v, want voided", s, err)
	}
	if s, err := charge(t, order, psp.MethodApprove); fault.Code(err) != codes.FailedPrecondition || fault.Reason(err) != "cancelled" {
		t.Errorf("late charge: %v, error %v, want cancelled", s, err)
	}
	if got := moved(order); len(got) != 0 {
		t.Errorf("money moved: %v", got)
	}
}

func TestManyChargesAtOnceTakeTheMoneyOnce(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, "orderflow.event.v1.PaymentProcessed")
	order := cloudtest.NewID()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s, err := charge(t, order, psp.MethodApprove); err != nil || s != charged {
				t.Errorf("charge: %v, error %v", s, err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff([]string{"charge"}, moved(order)); diff != "" {
		t.Errorf("money (-want +got):\n%s", diff)
	}
	if n := len(tap.About(order)); n != 1 {
		t.Errorf("published %d times, want once", n)
	}
}

func TestGetPayment(t *testing.T) {
	t.Parallel()
	order := cloudtest.NewID()
	if _, err := client(t).GetPayment(t.Context(), &paymentv1.GetPaymentRequest{OrderId: order}); fault.Reason(err) != "payment_not_found" {
		t.Errorf("before any charge: %v", err)
	}
	if _, err := charge(t, order, psp.MethodApprove); err != nil {
		t.Fatal(err)
	}
	resp, err := client(t).GetPayment(t.Context(), &paymentv1.GetPaymentRequest{OrderId: order})
	p := resp.GetPayment()
	if err != nil || p.GetState() != charged || p.GetAmount().GetMinorUnits() != 500 || p.GetProviderChargeId() == "" || p.GetCreateTime().AsTime().IsZero() {
		t.Errorf("payment %v, error %v", p, err)
	}
}

func TestRefusalsAreTheSameInJSON(t *testing.T) {
	t.Parallel()
	body := func(order, amount, method string) string {
		return `{"order_id":"` + order + `","amount":` + amount + `,"payment_method":"` + method + `"}`
	}
	const fiver = `{"currency_code":"GBP","minor_units":"500"}`
	for name, c := range map[string]struct {
		method, body string
		status       int
		want         string
	}{
		"charge":             {"ChargePayment", body(cloudtest.NewID(), fiver, "pm_approve"), 200, `"PAYMENT_STATE_CHARGED"`},
		"declined":           {"ChargePayment", body(cloudtest.NewID(), fiver, "pm_decline"), 400, `"reason":"declined"`},
		"no order":           {"ChargePayment", body("", fiver, "pm_approve"), 400, `"field":"order_id"`},
		"an order's path":    {"ChargePayment", body("a/b/c", fiver, "pm_approve"), 400, `"field":"order_id"`},
		"no amount":          {"ChargePayment", body("o1", "null", "pm_approve"), 400, `"field":"amount"`},
		"a negative amount":  {"ChargePayment", body("o1", `{"currency_code":"GBP","minor_units":"-1"}`, "pm_approve"), 400, `"field":"amount"`},
		"no method":          {"ChargePayment", body("o1", fiver, ""), 400, `"field":"payment_method"`},
		"refund of no order": {"RefundPayment", `{}`, 400, `"field":"order_id"`},
		"refund of a path":   {"RefundPayment", `{"order_id":"a/b/c"}`, 400, `"field":"order_id"`},
		"no such payment":    {"GetPayment", `{"order_id":"nobodys"}`, 404, `"reason":"payment_not_found"`},
	} {
		a := cloudtest.Send(t, http.MethodPost, os.Getenv("PAYMENT_URL")+"/orderflow.payment.v1.PaymentService/"+c.method,
			cloudtest.Header{"Content-Type": "application/json"}, c.body)
		if a.Status != c.status || !strings.Contains(strings.ReplaceAll(a.Body, ": ", ":"), c.want) {
			t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.want)
		}
	}
}

func TestTheProvidersWordIsPassedOn(t *testing.T) {
	t.Parallel()
	id := cloudtest.NewID()
	if _, err := client(t).FindCharge(t.Context(), &paymentv1.FindChargeRequest{OrderId: id}); fault.Code(err) != codes.NotFound {
		t.Errorf("a charge that nobody made: %v", err)
	}
	if _, err := client(t).AdoptCharge(t.Context(), &paymentv1.AdoptChargeRequest{OrderId: id}); fault.Code(err) != codes.NotFound {
		t.Errorf("a payment that nobody knows: %v", err)
	}
	if _, err := ledger.Charge(psp.ChargeRequest{IdempotencyKey: id, Amount: 500, Currency: "GBP", PaymentMethod: psp.MethodApprove}); err != nil {
		t.Fatal(err)
	}
	adopted, err := client(t).AdoptCharge(t.Context(), &paymentv1.AdoptChargeRequest{OrderId: id, PaymentMethod: psp.MethodApprove})
	if err != nil || adopted.GetPayment().GetState() != typev1.PaymentState_PAYMENT_STATE_CHARGED || adopted.GetPayment().GetAmount().GetMinorUnits() != 500 {
		t.Fatalf("adopted %v, error %v", adopted, err)
	}
	if state, err := refund(t, id); err != nil || state != typev1.PaymentState_PAYMENT_STATE_REFUNDED {
		t.Fatalf("refunded %s, %v", state, err)
	}
	found, err := client(t).FindCharge(t.Context(), &paymentv1.FindChargeRequest{OrderId: id})
	if err != nil || found.GetStatus() != "approved" || found.GetRefundedMinorUnits() != 500 || found.GetProviderChargeId() == "" {
		t.Errorf("found %v, error %v", found, err)
	}
}

func TestTheLedgerIsReadPageByPage(t *testing.T) {
	t.Parallel()
	since := time.Now()
	id := cloudtest.NewID()
	if _, err := charge(t, id, psp.MethodApprove); err != nil {
		t.Fatal(err)
	}
	if _, err := refund(t, id); err != nil {
		t.Fatal(err)
	}
	var own []string
	req := &paymentv1.ListMovementsRequest{Since: timestamppb.New(since), PageSize: 1}
	for {
		page, err := client(t).ListMovements(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.GetMovements() {
			if m.GetOrderId() == id && m.GetMoveTime().AsTime().After(since) && m.GetAmount().GetMinorUnits() == 500 {
				own = append(own, m.GetType())
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"charge", "refund"}, own); diff != "" {
		t.Errorf("movements (-want +got):\n%s", diff)
	}
	for _, bad := range []*paymentv1.ListMovementsRequest{{PageSize: -1}, {PageSize: 1001}, {PageToken: "no seq"}} {
		if _, err := client(t).ListMovements(t.Context(), bad); fault.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v, want INVALID_ARGUMENT", bad, err)
		}
	}
}

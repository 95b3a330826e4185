package reconcilepayments_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	_ "orderflow.dev/functions/payments/reconcile-payments"
	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	typev1 "orderflow.dev/gen/orderflow/type/v1"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/platform/rpc"
	"orderflow.dev/internal/store"
	"orderflow.dev/local/cloudtest"
	"orderflow.dev/local/psp"
	_ "orderflow.dev/services/payment"
)

var (
	ledger = psp.NewLedger(psp.LedgerOptions{})
	logged *cloudtest.Log
	price  = &typev1.Money{CurrencyCode: "GBP", MinorUnits: 500}
)

func captureLog(context.Context) error {
	logged = cloudtest.CaptureLog()
	return nil
}

func TestMain(m *testing.M) {
	cloudtest.Main(m, captureLog, cloudtest.Provider(ledger), cloudtest.Storage,
		cloudtest.Setenv("RECONCILE_GRACE", "0s"), cloudtest.Service("payment"))
}

// reconcile runs the function and answers what the run logged, and the rows of its report.
func reconcile(t *testing.T, runs int) (line map[string]any, rows [][]string) {
	t.Helper()
	if a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "reconcile-payments"), nil, ""); a.Status != http.StatusNoContent {
		t.Fatalf("answer %d %s", a.Status, a.Body)
	}
	lines := logged.Lines(t, "outcome", "ok")
	lines = slices.DeleteFunc(lines, func(l map[string]any) bool { return l["function"] != "reconcile-payments" })
	if len(lines) != runs {
		t.Fatalf("%d lines of runs, want %d", len(lines), runs)
	}
	errors := logged.Lines(t, "severity", "ERROR")
	if len(errors) == 0 {
		return lines[runs-1], nil
	}
	report, _ := errors[0]["report"].(string)
	name := strings.TrimPrefix(report, "gs://"+cloudtest.Bucket(t, "reports").Name()+"/")
	r, err := cloudtest.Bucket(t, "reports").Read(t.Context(), name, 0, 0, -1)
	if err != nil {
		t.Fatalf("report %q: %v", report, err)
	}
	defer r.Close()
	if rows, err = csv.NewReader(r).ReadAll(); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(rows, slices.Compare)
	return lines[runs-1], rows
}

// take has the provider take an order's money behind everybody's back.
func take(t *testing.T, orderID string) {
	t.Helper()
	if _, err := ledger.Charge(psp.ChargeRequest{IdempotencyKey: orderID, Amount: 500, Currency: "GBP", PaymentMethod: psp.MethodApprove}); err != nil {
		t.Fatal(err)
	}
}

// The tests share the provider's ledger: one after the other.
func TestMoneyThatAgreesIsSilentAndWhatDoesNotIsReported(t *testing.T) {
	conn, err := rpc.Dial(t.Context(), os.Getenv("PAYMENT_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	payments := paymentv1.NewPaymentServiceClient(conn)
	for _, id := range []string{"kept", "returned"} {
		if _, err := payments.ChargePayment(t.Context(), &paymentv1.ChargePaymentRequest{OrderId: id, Amount: price, PaymentMethod: psp.MethodApprove}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := payments.RefundPayment(t.Context(), &paymentv1.RefundPaymentRequest{OrderId: "returned"}); err != nil {
		t.Fatal(err)
	}
	line, _ := reconcile(t, 1)
	if line["movements"] != 3.0 || line["payments"] != 2.0 || line["money_differences"] != 0.0 {
		t.Errorf("logged %v, want 3 movements of 2 payments and no difference", line)
	}

	writer, err := store.OpenPayments(t.Context(), store.Config{Project: cloudtest.Project()})
	if err != nil {
		t.Fatal(err)
	}
	invented := &payment.Payment{OrderID: "invented", State: payment.Charged, Amount: price, CreateTime: time.Now()}
	invented.Journal.Append(&eventv1.PaymentProcessed{OrderId: "invented", Seq: 1, EventTime: timestamppb.Now(), Amount: price}, false)
	open := &payment.Payment{OrderID: "open", State: payment.Charging, Amount: price, CreateTime: time.Now()}
	for _, p := range []*payment.Payment{invented, open} {
		if err := writer.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	take(t, "open")
	take(t, "unheard")
	line, rows := reconcile(t, 2)
	if line["money_differences"] != 3.0 {
		t.Errorf("logged %v, want 3 differences", line)
	}
	want := [][]string{
		{"invented", "the payment is CHARGED, and the provider did not take so much", "0", "", "500", "GBP"},
		{"open", "the provider took its money, and the payment is CHARGING", "500", "GBP", "0", ""},
		{"order_id", "what", "by_the_provider", "currency", "by_the_payment", "currency"},
		{"unheard", "the provider took its money, and the payment is missing", "500", "GBP", "0", ""},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

package stack

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/promise"
)

const aMovement = `{"seq": 1, "type": "charge", "idempotency_key": "o1", "amount": 250, "currency": "GBP"}` + "\n"

// TestALedgerIsReadToItsEnd: what is missing from it would be money that never moved.
func TestALedgerIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   []promise.Movement // nil: an error
	}{
		"whole": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, aMovement, aMovement) }, []promise.Movement{
			{Type: "charge", OrderID: "o1", Amount: 250, Currency: "GBP"}, {Type: "charge", OrderID: "o1", Amount: 250, Currency: "GBP"},
		}},
		"broken off": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, aMovement)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, nil},
		"no ledger": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error": "no"}`, http.StatusServiceUnavailable)
		}, nil},
	} {
		provider := httptest.NewServer(c.answer)
		got, err := (&Inspector{endpoints: Endpoints{Provider: provider.URL}}).Movements(t.Context())
		provider.Close()
		if diff := cmp.Diff(c.want, got); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%s: error %v, movements (-want +got):\n%s", name, err, diff)
		}
	}
}

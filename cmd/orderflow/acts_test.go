package main

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAmountsAreReadWithoutFloatingPoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"2": 200, "2.5": 250, "2.50": 250, "0.07": 7, "9.99": 999, "4.35": 435, "92233720368547756.99": math.MaxInt64 - 108} {
		if got, err := minorUnits(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "0.00", "-1", "+1", "1.234", "1.", ".5", "1,50", "1e3", "£1", "1.-5", "1.5x", "0x1", "1_0", " 1", "99999999999999999999"} {
		if got, err := minorUnits(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

// TestAnActWhoseOutcomeIsUnknownSaysHowToRepeatIt: the key is fresh, so nobody else knows it.
func TestAnActWhoseOutcomeIsUnknownSaysHowToRepeatIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var keys []string
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status": 503, "title": "Service Unavailable", "detail": "try again", "request_id": "r-4711"}`))
		if len(keys) == 2 {
			cancel() // Ctrl-C
		}
	}))
	t.Cleanup(gateway.Close)
	_, _, err := orderflow(ctx, "orders", "refund", "o1", "--reason", "r", "--gateway", gateway.URL, "--token-file", file(t, "t", "token"))
	if len(keys) < 2 || keys[0] == "" || keys[0] != keys[1] {
		t.Fatalf("the keys were %q, want one", keys)
	}
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"refund order o1", "not known", "--key " + keys[0]} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error has no %q: %v", part, err)
		}
	}
	if text := afterCtrlC(err); !strings.Contains(text, "--key "+keys[0]) {
		t.Errorf("after Ctrl-C it says %q", text)
	}
}

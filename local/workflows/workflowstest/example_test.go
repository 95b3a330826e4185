package workflowstest_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"orderflow.dev/local/workflows/workflowstest"
)

// A payment is tried again after trouble, an hour later; then the goods are sent.
func Example() {
	const definition = `
main:
  params: [order]
  steps:
    - charge:
        try:
          call: http.post
          args:
            url: http://payments.test/charge
            body: {order: "${order}"}
          result: charged
        retry:
          predicate: ${http.default_retry_predicate}
          max_retries: 3
          backoff: {initial_delay: 3600, max_delay: 86400, multiplier: 2}
    - send:
        return: ${"sent, paid by " + charged.body.receipt}
`
	attempts := 0
	services := http.NewServeMux()
	services.HandleFunc("POST payments.test/charge", func(w http.ResponseWriter, _ *http.Request) {
		if attempts++; attempts == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"receipt": "r-1"}`)
	})

	var t exampleT // in a test it is the test's own t
	r := workflowstest.Run(t, definition, "o-1", services)

	fmt.Println(r.Value)
	fmt.Println(r.Steps, "in", r.Elapsed)
	for _, c := range r.Calls {
		fmt.Println(c.At, c.Method, c.URL, c.Body, c.Code)
	}
	// Output:
	// sent, paid by r-1
	// [charge send] in 1h0m0s
	// 0s POST http://payments.test/charge map[order:o-1] 503
	// 1h0m0s POST http://payments.test/charge map[order:o-1] 200
}

// exampleT stands in for a test, which an example does not have.
type exampleT struct{ testing.TB }

func (exampleT) Helper() {}

func (exampleT) Context() context.Context { return context.Background() }

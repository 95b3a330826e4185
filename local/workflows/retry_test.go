package workflows_test

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// TestBackoff checks the exact delays of retries on a virtual clock.
func TestBackoff(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, tc := range []struct {
		name, retry string
		want        []time.Duration
		outcome     string
	}{
		{"default policy", `${http.default_retry}`, []time.Duration{1000 * ms, 1250 * ms, 1562500 * time.Microsecond, 1953125 * time.Microsecond, 2441406250}, `["caught",6]`},
		{"policy refuses", `{predicate: "${http.default_retry_predicate_non_idempotent}", max_retries: 3}`, nil, `["caught",1]`},
		{"capped", `{predicate: "${retry.always}", max_retries: 4, backoff: {initial_delay: 2, max_delay: 5, multiplier: 2}}`, []time.Duration{2000 * ms, 4000 * ms, 5000 * ms, 5000 * ms}, `["caught",5]`},
		{"values are expressions", `{predicate: "${mine}", max_retries: "${1 + 1}", backoff: {initial_delay: "${0.5}", max_delay: 60, multiplier: 1}}`, []time.Duration{500 * ms, 500 * ms}, `["caught",3]`},
		{"no retries", `{predicate: "${retry.always}", max_retries: 0}`, nil, `["caught",1]`},
		{"never", `{predicate: "${retry.never}", max_retries: 3}`, nil, `["caught",1]`},
		{"backoff by name", `{predicate: "${retry.always}", max_retries: 1, backoff: "${retry.default_backoff}"}`, []time.Duration{1000 * ms}, `["caught",2]`},
		{"predicate gives no boolean", `{predicate: "${odd}", max_retries: 1}`, nil, `error: TypeError: predicate odd must return a boolean, got integer`},
		{"negative", `{predicate: "${retry.always}", max_retries: -1}`, nil, `error: ValueError: max_retries of retry must not be negative, got -1`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			source := fmt.Sprintf(`
main:
  steps:
  - init: {assign: [{n: 0}]}
  - a:
      try:
        steps:
        - count: {assign: [{n: "${n + 1}"}]}
        - fail: {raise: {code: 502}}
      retry: %s
      except: {steps: [{r: {return: '${["caught", n]}'}}]}
mine:
  params: [e]
  steps: [{s: {return: "${e.code == 502}"}}]
odd:
  params: [e]
  steps: [{s: {return: 1}}]
`, tc.retry)
			x := run(t, workflows.Options{Clock: clock}, source, "")
			if diff := cmp.Diff(tc.outcome, outcome(x)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, clock.slept()); diff != "" {
				t.Errorf("delays (-want +got):\n%s", diff)
			}
		})
	}
}

// saga is the shape of the workflow this project ships: retried steps over
// HTTP, a predicate of its own, and compensation by the reason of the failure.
const saga = `
main:
  params: [order]
  steps:
  - init:
      assign:
      - base: ${sys.get_env("BASE_URL")}
      - trace: ${"order-" + order.id}
  - reserve:
      try:
        call: http.post
        args:
          url: ${base + "/reserve"}
          auth: {type: OIDC, audience: "${sys.get_env(\"AUDIENCE\", base)}"}
          headers: {X-Trace: "${trace}"}
          timeout: 30
          body: {order: "${order.id}", items: "${order.items}"}
        result: reservation
      retry:
        predicate: ${transient}
        max_retries: 3
        backoff: {initial_delay: 1, max_delay: 10, multiplier: 2}
      except:
        as: e
        steps:
        - why:
            switch:
            - condition: ${default(map.get(e, ["body","reason"]), "") in ["out_of_stock","declined"]}
              assign: [{reason: "${e.body.reason}"}]
              next: reject
        - again: {raise: "${e}"}
  - confirm: {return: {status: confirmed, id: "${reservation.body.id}"}}
  - reject: {return: {status: rejected}}
transient:
  params: [e]
  steps:
  - by_code:
      switch:
      - {condition: '${"HttpError" in default(map.get(e, "tags"), []) and e.code in [429, 503]}', return: true}
      - {condition: '${"ConnectionFailedError" in default(map.get(e, "tags"), [])}', return: true}
  - otherwise: {return: false}
`

func TestSaga(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		answers []string // "code body" of successive requests
		want    string
		delays  int
	}{
		{"confirmed", []string{`200 {"id":"r1"}`}, `{"id":"r1","status":"confirmed"}`, 0},
		{"confirmed after retries", []string{`503 {}`, `429 {}`, `200 {"id":"r1"}`}, `{"id":"r1","status":"confirmed"}`, 2},
		{"declined", []string{`409 {"reason":"declined"}`}, `{"status":"rejected"}`, 0},
		{"out of stock after a retry", []string{`503 {}`, `409 {"reason":"out_of_stock"}`}, `{"status":"rejected"}`, 1},
		{"other reason", []string{`409 {"reason":"x"}`}, `error: RuntimeError: {"body":{"reason":"x"},"code":409,"headers":{"Content-Length":"14","Content-Type":"application/json"},"message":"HTTP server responded with error code 409","tags":["HttpError"]}`, 0},
		{"retries exhausted", []string{`503 {}`, `503 {}`, `503 {}`, `503 {}`}, `error: RuntimeError: {"body":{},"code":503,"headers":{"Content-Length":"2","Content-Type":"application/json"},"message":"HTTP server responded with error code 503","tags":["HttpError"]}`, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				var code int
				answer := tc.answers[n.Add(1)-1]
				_, _ = fmt.Sscan(answer[:3], &code)
				if r.Header.Get("X-Trace") != "order-o1" || r.URL.Path != "/reserve" {
					code = http.StatusTeapot
				}
				w.Header()["Date"] = nil
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(code)
				_, _ = io.WriteString(w, answer[4:])
			})
			clock := newClock()
			x := run(t, workflows.Options{Clock: clock, Env: map[string]string{"BASE_URL": url}}, saga, `{"id":"o1","items":[{"sku":"a","quantity":1}]}`)
			if diff := cmp.Diff(tc.want, outcome(x)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if got := len(clock.slept()); got != tc.delays {
				t.Errorf("retries = %d, want %d", got, tc.delays)
			}
		})
	}
}

func TestAnErrorWithBytesIsShownButForThem(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{}, `- a: {raise: {code: 7, data: ["${base64.decode(\"AP8=\")}"]}}`, "")
	if got := x.Error.Payload; got != `{"code":7,"data":["<bytes>"]}` {
		t.Errorf("payload %s", got)
	}
}

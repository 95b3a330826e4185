// Package workflows_test runs the workflow that ships, with every step made to answer in every way.
package workflows_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// steps answers for the functions and services that the saga calls.
type steps struct {
	mu      sync.Mutex
	calls   []string            // in order
	answers map[string][]answer // by step: the first, the second, …; the last for ever
	bodies  map[string]map[string]any
}

type answer struct {
	status int
	body   string
}

func ok(body string) answer { return answer{200, body} }

func refused(reason string) answer {
	return answer{400, `{"code":"failed_precondition","message":"no","reason":"` + reason + `"}`}
}

var (
	trouble = answer{503, `{"code":"unavailable","message":"try again"}`}
	bug     = answer{400, `{"code":"invalid_argument","message":"what is this","reason":"invalid_request"}`}
	html    = answer{502, `<html>`}
)

// done is what each step answers when all goes well.
var done = map[string]answer{
	"reserve": ok(`{"reservation":{"state":"RESERVATION_STATE_HELD"}}`),
	"charge":  ok(`{"payment":{"state":"PAYMENT_STATE_CHARGED"}}`),
	"confirm": ok(`{"status":"ORDER_STATUS_CONFIRMED"}`),
	"cancel":  ok(`{"status":"ORDER_STATUS_CANCELLING"}`),
	"refund":  ok(`{"payment":{"state":"PAYMENT_STATE_VOIDED"}}`),
	"release": ok(`{"reservation":{"state":"RESERVATION_STATE_RELEASED"}}`),
	"close":   ok(`{"status":"ORDER_STATUS_CANCELLED"}`),
}

func (s *steps) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:], "Stock"), "Payment"))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, step)
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body) // a missing body shows in the comparison
	s.bodies[step] = body
	a := done[step]
	if list := s.answers[step]; len(list) > 0 {
		a = list[0]
		if len(list) > 1 {
			s.answers[step] = list[1:]
		}
	}
	if a == html {
		w.Header().Set("Content-Type", "text/html")
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write([]byte(a.body))
}

// instant is a clock that never waits.
type instant struct{}

func (instant) Now() time.Time                                   { return time.Unix(1_700_000_000, 0) }
func (instant) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func run(t *testing.T, argument string, answers map[string][]answer) (*steps, workflows.Execution) {
	t.Helper()
	source, err := os.ReadFile("fulfil-order.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := workflows.Compile("fulfil-order.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	s := &steps{answers: answers, bodies: map[string]map[string]any{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	engine := workflows.NewEngine(workflows.Options{Clock: instant{}, Env: map[string]string{
		"INVENTORY_URL": server.URL, "PAYMENT_URL": server.URL, "CONFIRM_ORDER_URL": server.URL + "/confirm",
		"CANCEL_ORDER_URL": server.URL + "/cancel", "CLOSE_ORDER_URL": server.URL + "/close",
	}})
	t.Cleanup(engine.Close)
	engine.Deploy("fulfil-order", w)
	e, err := engine.Run(t.Context(), "fulfil-order", json.RawMessage(argument))
	if err != nil {
		t.Fatal(err)
	}
	return s, e
}

const (
	placed    = `{"order_id":"o1","seq":1,"cancel_reason":"","quantities":{"a":2},"amount":{"currency_code":"GBP","minor_units":"100"},"payment_method":"pm","traceparent":"","request_id":"r"}`
	cancelled = `{"order_id":"o1","seq":2,"cancel_reason":"cancelled","traceparent":"","request_id":"r"}`
)

const (
	forward = "reserve charge confirm"
	undo    = " cancel refund release close"
	again   = " " + forward
)

func TestEveryStepAnsweringInEveryWay(t *testing.T) {
	t.Parallel()
	forever := func(step string, a answer) map[string][]answer { return map[string][]answer{step: {a}} }
	once := func(step string, a answer) map[string][]answer { return map[string][]answer{step: {a, done[step]}} }
	for name, tt := range map[string]struct {
		argument string
		answers  map[string][]answer
		calls    string
		state    workflows.State
	}{
		"all done":                   {placed, nil, forward, workflows.Succeeded},
		"stock refused":              {placed, forever("reserve", refused("out_of_stock")), "reserve" + undo, workflows.Succeeded},
		"payment refused":            {placed, forever("charge", refused("declined")), "reserve charge" + undo, workflows.Succeeded},
		"a cancellation came first":  {placed, forever("confirm", refused("cancelled")), forward + undo, workflows.Succeeded},
		"cancelled by event":         {cancelled, nil, strings.TrimSpace(undo), workflows.Succeeded},
		"a confirmation won":         {cancelled, forever("cancel", ok(`{"status":"ORDER_STATUS_CONFIRMED"}`)), "cancel", workflows.Succeeded},
		"cancelled before":           {cancelled, forever("cancel", ok(`{"status":"ORDER_STATUS_CANCELLED"}`)), strings.TrimSpace(undo), workflows.Succeeded},
		"pending ends it":            {placed, forever("charge", ok(`{"payment":{"state":"PAYMENT_STATE_PENDING"}}`)), forward, workflows.Succeeded},
		"stock in trouble once":      {placed, once("reserve", trouble), "reserve" + again, workflows.Succeeded},
		"payment in trouble once":    {placed, once("charge", trouble), "reserve charge" + again, workflows.Succeeded},
		"confirming in trouble once": {placed, once("confirm", html), forward + again, workflows.Succeeded},
		"conflict is trouble":        {placed, once("confirm", answer{409, `{"code":"aborted"}`}), forward + again, workflows.Succeeded},
		"stock in trouble":           {placed, forever("reserve", trouble), "reserve reserve reserve reserve reserve", workflows.Failed},
		"payment in trouble":         {placed, forever("charge", html), strings.TrimSpace(strings.Repeat("reserve charge ", 5)), workflows.Failed},
		"confirming in trouble":      {placed, forever("confirm", trouble), strings.TrimSpace(strings.Repeat(forward+" ", 5)), workflows.Failed},
		"a bug is no refusal":        {placed, forever("charge", bug), "reserve charge", workflows.Failed},
		"deciding in trouble":        {cancelled, forever("cancel", trouble), "cancel cancel cancel cancel cancel", workflows.Failed},
		"refund in trouble once":     {cancelled, once("refund", trouble), "cancel refund" + undo, workflows.Succeeded},
		"refund in trouble":          {cancelled, forever("refund", trouble), strings.TrimSpace(strings.Repeat("cancel refund ", 5)), workflows.Failed},
		"release in trouble once":    {cancelled, once("release", trouble), "cancel refund release" + undo, workflows.Succeeded},
		"closing in trouble once":    {cancelled, once("close", trouble), strings.TrimSpace(undo) + undo, workflows.Succeeded},
		"closing refused":            {cancelled, forever("close", bug), strings.TrimSpace(undo), workflows.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e := run(t, tt.argument, tt.answers)
			if diff := cmp.Diff(tt.calls, strings.Join(s.calls, " ")); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if e.State != tt.state {
				t.Errorf("ended %v, want %v: %+v", e.State, tt.state, e.Error)
			}
		})
	}
}

func TestTheHappyPathCostsFiveSteps(t *testing.T) {
	t.Parallel()
	_, e := run(t, placed, nil)
	if n := e.Steps.Internal + e.Steps.External; n > 5 {
		t.Errorf("%d billed steps, want at most 5", n)
	}
}

func TestStepsGetWhatTheyNeed(t *testing.T) {
	t.Parallel()
	s, _ := run(t, placed, nil)
	c, _ := run(t, cancelled, nil)
	for _, tt := range []struct {
		step      string
		got, want map[string]any
	}{
		{"reserve", s.bodies["reserve"], map[string]any{"order_id": "o1", "quantities": map[string]any{"a": 2.0}}},
		{"charge", s.bodies["charge"], map[string]any{"order_id": "o1", "payment_method": "pm", "amount": map[string]any{"currency_code": "GBP", "minor_units": "100"}}},
		{"confirm", s.bodies["confirm"], map[string]any{"order_id": "o1", "seq": 1.0, "reservation_state": "RESERVATION_STATE_HELD", "payment_state": "PAYMENT_STATE_CHARGED"}},
		{"cancel", c.bodies["cancel"], map[string]any{"order_id": "o1", "seq": 2.0, "reason": "cancelled"}},
		{"close", c.bodies["close"], map[string]any{"order_id": "o1", "seq": 2.0, "reservation_state": "RESERVATION_STATE_RELEASED", "payment_state": "PAYMENT_STATE_VOIDED"}},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.step, diff)
		}
	}
}

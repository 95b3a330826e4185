package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	"orderflow.dev"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/order"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/workflows"
)

// sagas is Workflows: the engine with the YAML that ships, and what may become of an execution.
type sagas struct {
	sim    *sim
	engine *workflows.Engine

	mu      sync.Mutex
	running map[string]*execution // by request id, which each execution has one of its own
}

type execution struct {
	*task
	die context.CancelFunc
}

// shipped is the workflow as it ships, and as seeded bugs make it.
var shipped = sync.OnceValues(func() ([]byte, error) { return orderflow.Tree.ReadFile("workflows/fulfil-order.yaml") })

var compiled = sync.OnceValues(func() (*workflows.Workflow, error) {
	source, err := shipped()
	if err != nil {
		return nil, err
	}
	return workflows.Compile("fulfil-order.yaml", source)
})

func (s *sim) startEngine(units []unit.Unit) error {
	s.sagas = sagas{sim: s, running: map[string]*execution{}}
	w, err := compiled()
	if s.yaml != nil && err == nil {
		source, _ := shipped()
		w, err = workflows.Compile("fulfil-order.yaml", []byte(s.yaml(string(source))))
	}
	if err != nil {
		return err
	}
	env := map[string]string{}
	for _, u := range units {
		env[u.EnvName()] = "http://" + u.Name
	}
	s.sagas.engine = workflows.NewEngine(workflows.Options{
		Env: env, HTTP: &http.Client{Transport: &s.sagas}, OnEnd: s.sagas.ended, KeepFinished: 1,
	})
	s.sagas.engine.Deploy("fulfil-order", w)
	return nil
}

// starter is a process's way to Workflows: an order.Saga.
type starter struct{ sim *sim }

// Start implements order.Saga.
func (s starter) Start(ctx context.Context, f order.Fulfilment) error {
	o := taskOf(ctx).at("start saga", f.OrderID)
	o.pause("there")
	switch {
	case o.fires(sagaThrottled):
		return fault.New(codes.ResourceExhausted, "", "too many executions were started")
	case o.fires(sagaFails):
		return fault.New(codes.Unavailable, "", "Workflows could not be reached")
	}
	o.point("before")
	o.note(f.OrderID, fmt.Sprintf("starts a saga (seq %d, cancel reason %q)", f.Seq, f.CancelReason))
	if !o.fires(sagaLost) {
		s.sim.sagas.run(o, 1, f)
	}
	if o.fires(sagaTwice) {
		s.sim.sagas.run(o, 2, f)
	}
	o.point("after")
	o.pause("back")
	if o.fires(sagaUnheard) {
		return fault.New(codes.Unavailable, "", "Workflows did not answer")
	}
	return nil
}

func (s *sagas) run(o occasion, n int, f order.Fulfilment) {
	t := o.child("", f.OrderID)
	t.dice = t.dice.of("execution", n)
	f.RequestID = fmt.Sprintf("%016x", uint64(t.dice))
	t.who = "saga " + f.RequestID[:4]
	argument, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	ctx, die := context.WithCancel(s.sim.ctx)
	s.mu.Lock()
	s.running[f.RequestID] = &execution{t, die}
	s.mu.Unlock()
	s.sim.spawn(func() {
		defer die()
		t.at("begin", "").pause("queue")
		if _, err := s.engine.Run(ctx, "fulfil-order", argument); err != nil {
			t.note("", "does not start: "+err.Error())
		}
	})
}

func (s *sagas) of(requestID string) *execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[requestID]
}

func (s *sagas) ended(e workflows.Execution) {
	var f order.Fulfilment
	if err := json.Unmarshal(e.Argument, &f); err != nil {
		panic(err)
	}
	text := "ends: " + string(e.State)
	if e.Error != nil {
		text += " at " + e.Step + ": " + e.Error.Context
	}
	s.of(f.RequestID).note("", text)
}

// RoundTrip sends a step's call.
func (s *sagas) RoundTrip(r *http.Request) (*http.Response, error) {
	ex := s.of(r.Header.Get("X-Request-Id"))
	if o := ex.at("step", ""); o.fires(sagaDies) {
		ex.die()
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	resp, err := ex.call(r.Context(), r.URL.Host, ex.order, func() *http.Request {
		again := r.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again
	})
	step := r.URL.Host + r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	if err != nil {
		ex.note("", step+" → "+failed(resp, err))
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	ex.note("", fmt.Sprintf("%s → %d %s", step, resp.StatusCode, bytes.TrimSpace(answer)))
	return resp, err
}

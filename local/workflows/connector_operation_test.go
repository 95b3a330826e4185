package workflows_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// script answers one request after the other, the last one ever after, and keeps what was asked.
type script struct {
	mu      sync.Mutex
	answers []string
	asked   []string
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.RequestURI)
	answer := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	jsonReply(w, 200, answer)
}

const (
	translate = "googleapis.translate.v3.projects.locations.batchTranslateText"
	instances = "googleapis.compute.v1.instances.start"
	jobs      = "googleapis.bigquery.v2.jobs.insert"
	cloudRun  = "googleapis.run.v1.namespaces.jobs.run"
)

// operations are the forms of an operation, each with the call that starts one.
var operations = map[string]struct{ connector, args, pending, done, failed, poll, message string }{
	"google.longrunning": {
		translate, `{parent: projects/p/locations/l, body: {}}`, `{"name":"projects/p/operations/o"}`,
		`{"name":"projects/p/operations/o","done":true,"response":{"n":1}}`,
		`{"name":"projects/p/operations/o","done":true,"error":{"code":5,"message":"no glossary"}}`,
		"GET /v3/projects/p/operations/o", "no glossary",
	},
	"compute engine": {
		instances, `{project: p, zone: z, instance: i}`, `{"name":"o","status":"RUNNING","selfLink":"https://www.googleapis.com/compute/v1/projects/p/zones/z/operations/o"}`,
		`{"name":"o","status":"DONE","selfLink":"https://www.googleapis.com/compute/v1/projects/p/zones/z/operations/o"}`,
		`{"name":"o","status":"DONE","selfLink":"https://www.googleapis.com/compute/v1/projects/p/zones/z/operations/o","error":{"errors":[{"code":"QUOTA","message":"no quota"}]}}`,
		"GET /compute/v1/projects/p/zones/z/operations/o", "no quota",
	},
	"bigquery": {
		jobs, `{projectId: p, body: {}}`, `{"id":"p:j","status":{"state":"RUNNING"},"selfLink":"https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs/j?location=US"}`,
		`{"id":"p:j","status":{"state":"DONE"},"selfLink":"https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs/j?location=US"}`,
		`{"id":"p:j","status":{"state":"DONE","errorResult":{"reason":"invalidQuery","message":"bad SQL"}},"selfLink":"https://bigquery.googleapis.com/bigquery/v2/projects/p/jobs/j?location=US"}`,
		"GET /bigquery/v2/projects/p/jobs/j?location=US", "bad SQL",
	},
	"a job of Cloud Run": {
		cloudRun, `{name: namespaces/p/jobs/j, location: l}`, `{"metadata":{"selfLink":"/apis/run.googleapis.com/v1/namespaces/p/executions/x"},"status":{"conditions":[{"type":"Completed","status":"Unknown"}]}}`,
		`{"metadata":{"selfLink":"/apis/run.googleapis.com/v1/namespaces/p/executions/x"},"status":{"conditions":[{"type":"Started","status":"True"},{"type":"Completed","status":"True"}]}}`,
		`{"metadata":{"selfLink":"/apis/run.googleapis.com/v1/namespaces/p/executions/x"},"status":{"conditions":[{"type":"Completed","status":"False","message":"exit 1"}]}}`,
		"GET /apis/run.googleapis.com/v1/namespaces/p/executions/x", "exit 1",
	},
	"an execution elsewhere": {
		"googleapis.workflowexecutions.v1.projects.locations.workflows.executions.create", `{parent: projects/p/locations/l/workflows/w, body: {}}`,
		`{"name":"projects/1/x","state":"ACTIVE"}`, `{"name":"projects/1/x","state":"SUCCEEDED","status":{}}`, `{"name":"projects/1/x","state":"CANCELLED","status":{}}`,
		"GET /v1/projects/1/x", "Execution failed or cancelled.",
	},
}

func TestAConnectorWaitsForWhatItStarts(t *testing.T) {
	t.Parallel()
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{answers: []string{op.pending, op.pending, op.pending, op.done}}
			clock := newClock()
			x := run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve)), Clock: clock}, calling(op.connector, op.args), "")
			var want, got any
			_ = json.Unmarshal([]byte(op.done), &want)
			if err := json.Unmarshal(x.Result, &got); err != nil || !cmp.Equal(want, got) {
				t.Errorf("result = %s, want %s", outcome(x), op.done)
			}
			if diff := cmp.Diff([]string{op.poll, op.poll, op.poll}, s.asked[1:]); diff != "" {
				t.Errorf("polls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]time.Duration{time.Second, 1250 * time.Millisecond, 1562500 * time.Microsecond}, clock.slept()); diff != "" {
				t.Errorf("delays (-want +got):\n%s", diff)
			}
			if want := 6; x.Steps.Internal != want { // try, call and return; three polls
				t.Errorf("%d steps, want %d", x.Steps.Internal, want)
			}
		})
	}
}

func TestAnOperationThatIsDoneAtOnceIsNotAskedFor(t *testing.T) {
	t.Parallel()
	for name, op := range operations {
		s := &script{answers: []string{op.done}}
		run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve))}, calling(op.connector, op.args), "")
		if len(s.asked) != 1 {
			t.Errorf("%s: asked %v", name, s.asked)
		}
	}
}

func TestAFailedOperationIsAnOperationError(t *testing.T) {
	t.Parallel()
	for name, op := range operations {
		s := &script{answers: []string{op.pending, op.failed}}
		x := run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve)), Clock: newClock()}, calling(op.connector, op.args), "")
		tags, message, value := raised(t, x)
		var want any
		_ = json.Unmarshal([]byte(op.failed), &want)
		if !cmp.Equal([]any{"OperationError"}, tags) || message != op.message || !cmp.Equal(want, value["operation"]) || value["error"] == nil {
			t.Errorf("%s: raised %v", name, value)
		}
	}
}

func TestSkipPollingGivesTheOperationAsItBegan(t *testing.T) {
	t.Parallel()
	for name, op := range operations {
		s := &script{answers: []string{op.pending}}
		args := op.args[:len(op.args)-1] + ", connector_params: {skip_polling: true}}"
		x := run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve))}, calling(op.connector, args), "")
		var want, got any
		_ = json.Unmarshal([]byte(op.pending), &want)
		_ = json.Unmarshal(x.Result, &got)
		if !cmp.Equal(want, got) || len(s.asked) != 1 {
			t.Errorf("%s: %s after %v", name, outcome(x), s.asked)
		}
	}
}

func TestThePollingPolicyAndTheTimeoutAreKept(t *testing.T) {
	t.Parallel()
	op := operations["google.longrunning"]
	s := &script{answers: []string{op.pending}}
	clock := newClock()
	args := `{parent: p, body: {}, connector_params: {timeout: 20, polling_policy: {initial_delay: 2, multiplier: 3, max_delay: 7}}}`
	tags, _, _ := raised(t, run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve)), Clock: clock}, calling(op.connector, args), ""))
	if diff := cmp.Diff([]any{"TimeoutError"}, tags); diff != "" {
		t.Error(diff)
	}
	want := []time.Duration{2 * time.Second, 6 * time.Second, 7 * time.Second, 5 * time.Second}
	if got := clock.slept(); !slices.Equal(got, want) {
		t.Errorf("delays %v, want %v", got, want)
	}
}

func TestAnOperationMayTakeAYear(t *testing.T) {
	t.Parallel()
	op := operations["google.longrunning"]
	for seconds, ok := range map[int]bool{31536000: true, 31536001: false} {
		s := &script{answers: []string{op.done}}
		args := fmt.Sprintf(`{parent: p, body: {}, connector_params: {timeout: %d}}`, seconds)
		x := run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve))}, calling(op.connector, args), "")
		if got := len(s.asked) == 1; got != ok {
			t.Errorf("timeout %d: %s", seconds, outcome(x))
		}
	}
}

func TestAnAnswerThatIsNoOperationIsAResponseTypeError(t *testing.T) {
	t.Parallel()
	op := operations["google.longrunning"]
	for _, answers := range [][]string{{`{}`}, {`[]`}, {`"done"`}, {`null`}, {`{"name":""}`}, {`{"name":1,"done":true}`}, {op.pending, `{}`}, {op.pending, `null`}} {
		s := &script{answers: answers}
		tags, _, _ := raised(t, run(t, workflows.Options{Endpoints: everywhere(serve(t, s.serve)), Clock: newClock()}, calling(op.connector, op.args), ""))
		if diff := cmp.Diff([]any{"ResponseTypeError"}, tags); diff != "" {
			t.Errorf("%v: %s", answers, diff)
		}
	}
}

package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/workflows"
)

const parent = "projects/p/locations/l/workflows/w"

// blocker waits for as long as the argument says on the engine's clock.
const blocker = `
main:
  params: [seconds]
  steps:
  - wait: {call: sys.sleep, args: {seconds: "${default(seconds, 0)}"}}
  - done: {return: "${seconds}"}
`

// start serves an engine with the blocker and gives an official client, the
// base URL and a function that stops the server and waits for it.
func start(t *testing.T, o workflows.Options) (*executions.Client, string, func() error) {
	t.Helper()
	o.Project, o.Location = "p", "l"
	e := workflows.NewEngine(o)
	e.Deploy("w", compile(t, blocker))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-served
	}
	t.Cleanup(func() { _ = stop() })
	client, err := executions.NewClient(t.Context(), option.WithEndpoint(l.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client, "http://" + l.Addr().String(), stop
}

func create(t *testing.T, c *executions.Client, argument string) *executionspb.Execution {
	t.Helper()
	x, err := c.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{
		Parent: parent, Execution: &executionspb.Execution{Argument: argument, Labels: map[string]string{"k": "v"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// awaitEnd polls until an execution has ended.
func awaitEnd(t *testing.T, c *executions.Client, name string) *executionspb.Execution {
	t.Helper()
	for {
		x, err := c.GetExecution(t.Context(), &executionspb.GetExecutionRequest{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if x.State != executionspb.Execution_ACTIVE && x.State != executionspb.Execution_QUEUED {
			return x
		}
	}
}

func TestClient(t *testing.T) {
	t.Parallel()
	c, _, stop := start(t, workflows.Options{})
	created := create(t, c, `0`)
	if created.State != executionspb.Execution_ACTIVE && created.State != executionspb.Execution_SUCCEEDED {
		t.Errorf("state after create = %v", created.State)
	}
	if !strings.HasPrefix(created.Name, parent+"/executions/") || !strings.HasPrefix(created.WorkflowRevisionId, "000001-") {
		t.Errorf("name %q, revision %q", created.Name, created.WorkflowRevisionId)
	}
	x := awaitEnd(t, c, created.Name)
	got := []string{x.State.String(), x.Argument, x.Result, x.Labels["k"], x.Status.CurrentSteps[0].Step, x.Status.CurrentSteps[0].Routine}
	if diff := cmp.Diff([]string{"SUCCEEDED", "0", "0", "v", "done", "main"}, got); diff != "" {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
	if x.EndTime.AsTime().Before(x.StartTime.AsTime()) || x.Duration == nil {
		t.Errorf("times: %v to %v, %v", x.StartTime, x.EndTime, x.Duration)
	}

	running := create(t, c, `3600`)
	if _, err := c.CancelExecution(t.Context(), &executionspb.CancelExecutionRequest{Name: running.Name}); err != nil {
		t.Fatal(err)
	}
	x = awaitEnd(t, c, running.Name)
	if x.State != executionspb.Execution_CANCELLED || x.Error == nil {
		t.Errorf("cancelled execution = %v", x)
	}

	left := create(t, c, `3600`)
	if err := stop(); err != nil {
		t.Errorf("Serve = %v", err)
	}
	if _, err := c.GetExecution(t.Context(), &executionspb.GetExecutionRequest{Name: left.Name}); status.Code(err) != codes.Unavailable {
		t.Errorf("after stop: %v, want Unavailable", err)
	}
}

// TestStatusCodes checks refusals over gRPC.
func TestStatusCodes(t *testing.T) {
	t.Parallel()
	c, _, _ := start(t, workflows.Options{StartsPerSecond: 2, Clock: newClock()})
	ctx := t.Context()
	tryCreate := func(parent, argument string) error {
		_, err := c.CreateExecution(ctx, &executionspb.CreateExecutionRequest{Parent: parent, Execution: &executionspb.Execution{Argument: argument}})
		return err
	}
	list := func(r *executionspb.ListExecutionsRequest) error {
		_, err := c.ListExecutions(ctx, r).Next()
		return err
	}
	done := create(t, c, ``)
	if x := awaitEnd(t, c, done.Name); x.Argument != "null" || x.Result != "null" {
		t.Errorf("absent argument reads back %q, result %q", x.Argument, x.Result)
	}
	_, notFound := c.GetExecution(ctx, &executionspb.GetExecutionRequest{Name: parent + "/executions/none"})
	_, finished := c.CancelExecution(ctx, &executionspb.CancelExecutionRequest{Name: done.Name})
	_ = create(t, c, ``)
	for _, tc := range []struct {
		name string
		err  error
		want codes.Code
	}{
		{"invalid argument", tryCreate(parent, `{`), codes.InvalidArgument},
		{"two values", tryCreate(parent, `1 2`), codes.InvalidArgument},
		{"argument too long", tryCreate(parent, `"`+strings.Repeat("x", 32<<10)+`"`), codes.InvalidArgument},
		{"rate", tryCreate(parent, ``), codes.ResourceExhausted},
		{"other project", tryCreate("projects/x/locations/l/workflows/w", ``), codes.NotFound},
		{"malformed parent", tryCreate("workflows/w", ``), codes.InvalidArgument},
		{"unknown execution", notFound, codes.NotFound},
		{"cancel a finished one", finished, codes.FailedPrecondition},
		{"list of an unknown workflow", list(&executionspb.ListExecutionsRequest{Parent: parent + "x"}), codes.NotFound},
		{"filter", list(&executionspb.ListExecutionsRequest{Parent: parent, Filter: `duration > 1`}), codes.InvalidArgument},
		{"order", list(&executionspb.ListExecutionsRequest{Parent: parent, OrderBy: `stepName`}), codes.InvalidArgument},
		{"page size", list(&executionspb.ListExecutionsRequest{Parent: parent, PageSize: -1}), codes.InvalidArgument},
		{"page token", list(&executionspb.ListExecutionsRequest{Parent: parent, PageToken: "x"}), codes.InvalidArgument},
	} {
		if got := status.Code(tc.err); got != tc.want {
			t.Errorf("%s: %v (%v), want %v", tc.name, got, tc.err, tc.want)
		}
	}
	c2, _, _ := start(t, workflows.Options{})
	_, err := c2.CreateExecution(ctx, &executionspb.CreateExecutionRequest{Parent: parent + "x"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("unknown workflow: %v, want NotFound", err)
	}
}

// TestList checks order, paging, filter and view.
func TestList(t *testing.T) {
	t.Parallel()
	c, _, _ := start(t, workflows.Options{Clock: newClock()})
	var want []string
	for i := range 7 {
		x := create(t, c, []string{`1`, `"bad"`}[i%2])
		awaitEnd(t, c, x.Name)
		want = append([]string{x.Name}, want...)
	}
	names := func(r *executionspb.ListExecutionsRequest) (names []string) {
		r.Parent = parent
		for it := c.ListExecutions(t.Context(), r); ; {
			x, err := it.Next()
			if errors.Is(err, iterator.Done) {
				return names
			}
			if err != nil {
				t.Fatal(err)
			}
			if r.View == executionspb.ExecutionView_FULL && x.Argument == "" || r.View != executionspb.ExecutionView_FULL && x.Argument != "" {
				t.Errorf("view %v shows argument %q", r.View, x.Argument)
			}
			names = append(names, x.Name)
		}
	}
	if diff := cmp.Diff(want, names(&executionspb.ListExecutionsRequest{PageSize: 3})); diff != "" {
		t.Errorf("pages of 3 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, names(&executionspb.ListExecutionsRequest{View: executionspb.ExecutionView_FULL})); diff != "" {
		t.Errorf("full view (-want +got):\n%s", diff)
	}
	failed := []string{want[1], want[3], want[5]}
	if diff := cmp.Diff(failed, names(&executionspb.ListExecutionsRequest{Filter: `state="FAILED"`, PageSize: 2})); diff != "" {
		t.Errorf("filter (-want +got):\n%s", diff)
	}
}

// rest sends one request and gives "code" and the decoded body.
func rest(t *testing.T, method, url, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return resp.StatusCode, out
}

func TestREST(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{})
	collection := base + "/v1/" + parent + "/executions"
	code, x := rest(t, "POST", collection, `{"argument":"\"oops\"","callLogLevel":"LOG_ALL_CALLS","executionHistoryLevel":"EXECUTION_HISTORY_BASIC"}`)
	if code != 200 {
		t.Fatalf("create: %d %v", code, x)
	}
	one := base + "/v1/" + fmt.Sprint(x["name"])
	for x["state"] == "ACTIVE" {
		_, x = rest(t, "GET", one, "")
	}
	e, _ := x["error"].(map[string]any)
	trace, _ := json.Marshal(e["stackTrace"])
	wantTrace := `{"elements":[{"position":{"column":"12","length":"4","line":"5"},"routine":"main","step":"wait"}]}`
	if diff := cmp.Diff(wantTrace, string(trace)); diff != "" {
		t.Errorf("stack trace (-want +got):\n%s", diff)
	}
	if x["state"] != "FAILED" || x["argument"] != `"oops"` || x["createTime"] == nil || x["createTime"] != x["startTime"] {
		t.Errorf("execution = %v", x)
	}
	_, blocked := rest(t, "POST", collection, `{"argument":"3600"}`)
	if code, x = rest(t, "POST", base+"/v1/"+fmt.Sprint(blocked["name"])+":cancel", ""); code != 200 {
		t.Errorf("cancel: %d %v", code, x)
	}
	if _, x = rest(t, "GET", collection+"?pageSize=1&view=FULL", ""); len(x["executions"].([]any)) != 1 || x["nextPageToken"] == nil {
		t.Errorf("list = %v", x)
	}
	for _, tc := range []struct {
		method, url, body string
		code              int
		status            string
	}{
		{"POST", collection, `{"argument":"{"}`, 400, "INVALID_ARGUMENT"},
		{"POST", collection, `{"argumnt":"1"}`, 400, "INVALID_ARGUMENT"},
		{"POST", collection, `{`, 400, "INVALID_ARGUMENT"},
		{"POST", base + "/v1/" + parent + "x/executions", `{}`, 404, "NOT_FOUND"},
		{"GET", collection + "/none", ``, 404, "NOT_FOUND"},
		{"GET", collection + "?view=ALL", ``, 400, "INVALID_ARGUMENT"},
		{"POST", one + ":cancel", ``, 400, "FAILED_PRECONDITION"},
		{"POST", one + ":pause", ``, 501, "UNIMPLEMENTED"},
		{"GET", one + "/stepEntries/1", ``, 404, "NOT_FOUND"},
		{"GET", collection + "?pageSice=1", ``, 400, "INVALID_ARGUMENT"},
	} {
		code, x := rest(t, tc.method, tc.url, tc.body)
		e, _ := x["error"].(map[string]any)
		if code != tc.code || e["status"] != tc.status {
			t.Errorf("%s %s %s: %d %v, want %d %s", tc.method, tc.url, tc.body, code, x, tc.code, tc.status)
		}
	}
}

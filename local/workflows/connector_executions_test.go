package workflows_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

const executionsAPI = "googleapis.workflowexecutions.v1.projects.locations.workflows.executions."

// family is an engine with a workflow that doubles its argument, one that fails, and one that waits.
func family(t *testing.T, o workflows.Options, main string) workflows.Execution {
	t.Helper()
	e := workflows.NewEngine(o)
	t.Cleanup(e.Close)
	for id, source := range map[string]string{
		"double": "main: {params: [n], steps: [{a: {return: '${n * 2}'}}]}",
		"fails":  "main: {params: [n], steps: [{a: {raise: {code: 7}}}]}",
		"echo":   "main: {params: [n], steps: [{a: {return: '${n}'}}]}",
		"slow":   "[{a: {call: sys.sleep, args: {seconds: 100000}}}]",
		"main":   main,
	} {
		e.Deploy(id, compile(t, source))
	}
	x, err := e.Run(t.Context(), "main", nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRunGivesTheDecodedResultOfTheChild(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		`{workflow_id: double, argument: 21}`:                                                    `42`,
		`{workflow_id: echo, argument: {a: [1, "x", null, true]}}`:                               `{"a":[1,"x",null,true]}`,
		`{workflow_id: echo, argument: text}`:                                                    `"text"`,
		`{workflow_id: echo}`:                                                                    `null`,
		`{workflow_id: echo, argument: 1.5, location: l, project_id: p, labels: {a: b}}`:         `1.5`,
		`{workflow_id: echo, argument: 1, callLogLevel: LOG_ALL_CALLS}`:                          `1`,
		`{workflow_id: double, argument: 21, connector_params: {skip_polling: true}}`:            `null`,
		`{workflow_id: echo, argument: 9007199254740993, connector_params: {timeout: 31536000}}`: `9007199254740993`,
	} {
		x := family(t, workflows.Options{Project: "p", Location: "l"}, calling(executionsAPI+"run", args))
		if outcome(x) != want {
			t.Errorf("%s = %s, want %s", args, outcome(x), want)
		}
	}
}

func TestAFailedChildIsAnOperationErrorWithItsExecution(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string][]any{
		executionsAPI + "run":         {"OperationError"},
		"experimental.executions.run": {"ExecutionError"},
	} {
		got, message, value := raised(t, family(t, workflows.Options{}, calling(name, `{workflow_id: fails, argument: 1}`)))
		x, _ := value["operation"].(map[string]any)
		failure, _ := x["error"].(map[string]any)
		if !cmp.Equal(tags, got) || message != "Execution failed or cancelled." || x["state"] != "FAILED" || x["argument"] != "1" ||
			failure["payload"] != `{"code":7}` || !strings.HasPrefix(failure["context"].(string), `RuntimeError: {"code":7}`) ||
			x["startTime"] == nil || x["endTime"] == nil || x["duration"] == nil || x["workflowRevisionId"] == nil ||
			!strings.Contains(x["name"].(string), "/workflows/fails/executions/") {
			t.Errorf("%s raised %v %v", name, got, value)
		}
	}
}

func TestRunOfAWorkflowThatIsNotThereIsAnHTTPError(t *testing.T) {
	t.Parallel()
	for _, args := range []string{`{workflow_id: none}`, `{workflow_id: echo, location: elsewhere}`, `{workflow_id: echo, project_id: other}`} {
		tags, _, value := raised(t, family(t, workflows.Options{}, calling(executionsAPI+"run", args)))
		if !cmp.Equal([]any{"HttpError"}, tags) || value["code"] != 404.0 {
			t.Errorf("%s: %v", args, value)
		}
	}
}

func TestRunTimesOutWhileTheChildRunsOn(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		executionsAPI + "run":         `{workflow_id: slow, connector_params: {timeout: 0.05}}`,
		"experimental.executions.map": `{workflow_id: slow, arguments: [1, 2], timeout: 0.05}`,
	} {
		tags, _, _ := raised(t, family(t, workflows.Options{}, calling(name, args)))
		if diff := cmp.Diff([]any{"TimeoutError"}, tags); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestTheTimeoutOfMapIsForAllOfIt: none of the waits takes as long as the timeout, all of them do.
func TestTheTimeoutOfMapIsForAllOfIt(t *testing.T) {
	t.Parallel()
	e := workflows.NewEngine(workflows.Options{})
	t.Cleanup(e.Close)
	e.Deploy("sleep", compile(t, `main: {params: [n], steps: [{a: {call: sys.sleep, args: {seconds: "${n}"}}}]}`))
	e.Deploy("main", compile(t, calling("experimental.executions.map", `{workflow_id: sleep, arguments: [0.5, 1, 1.5], timeout: 0.7}`)))
	x, err := e.Run(t.Context(), "main", nil)
	if err != nil {
		t.Fatal(err)
	}
	if tags, _, _ := raised(t, x); !cmp.Equal([]any{"TimeoutError"}, tags) {
		t.Errorf("raised %v, want TimeoutError", tags)
	}
}

// TestAChildIsNotOutrunByAClock: a clock that does not wait must not end the parent's patience.
func TestAChildIsNotOutrunByAClock(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	e := workflows.NewEngine(workflows.Options{Clock: newClock(), Env: map[string]string{"URL": url}})
	e.Deploy("child", compile(t, `[{a: {call: http.get, args: {url: '${sys.get_env("URL")}'}}}, {b: {return: 5}}]`))
	e.Deploy("main", compile(t, calling(executionsAPI+"run", `{workflow_id: child}`)))
	go func() {
		for len(e.Executions("child")) == 0 {
			runtime.Gosched()
		}
		close(release)
	}()
	if x, err := e.Run(t.Context(), "main", nil); err != nil || outcome(x) != "5" {
		t.Errorf("got %s, %v", outcome(x), err)
	}
}

func TestMapRunsAWorkflowForEachArgument(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		`{workflow_id: double, arguments: [1, 2, 3]}`: `[2,4,6]`,
		`{workflow_id: double, arguments: []}`:        `[]`,
		`{workflow_id: echo, arguments: [null, {}]}`:  `[null,{}]`,
	} {
		if x := family(t, workflows.Options{}, calling("experimental.executions.map", args)); outcome(x) != want {
			t.Errorf("%s = %s, want %s", args, outcome(x), want)
		}
	}
	tags, _, _ := raised(t, family(t, workflows.Options{}, calling("experimental.executions.map", `{workflow_id: fails, arguments: [1]}`)))
	if diff := cmp.Diff([]any{"ExecutionError"}, tags); diff != "" {
		t.Error(diff)
	}
	tags, _, _ = raised(t, family(t, workflows.Options{}, calling("experimental.executions.map", `{workflow_id: echo, arguments: 1}`)))
	if diff := cmp.Diff([]any{"TypeError"}, tags); diff != "" {
		t.Error(diff)
	}
}

func TestExecutionsAreCreatedReadListedAndCancelled(t *testing.T) {
	t.Parallel()
	x := family(t, workflows.Options{Project: "p", Location: "l"}, `
- init: {assign: [{parent: projects/p/locations/l/workflows/}]}
- create: {call: `+executionsAPI+`create, args: {parent: '${parent + "double"}', body: {argument: "4"}}, result: done}
- start: {call: `+executionsAPI+`create, args: {parent: '${parent + "slow"}', body: {}, connector_params: {skip_polling: true}}, result: slow}
- get: {call: `+executionsAPI+`get, args: {name: "${slow.name}", view: BASIC}, result: got}
- list: {call: `+executionsAPI+`list, args: {parent: '${parent + "double"}', pageSize: 10}, result: listed}
- cancel: {call: `+executionsAPI+`cancel, args: {name: "${slow.name}", body: {}}}
- callbacks: {call: `+executionsAPI+`callbacks.list, args: {parent: '${"projects/p/locations/l/workflows/main/executions/" + sys.get_env("GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID")}'}, result: callbacks}
- fin: {return: ["${done.state}", "${done.result}", "${slow.state}", "${got.name == slow.name}", "${len(listed.executions)}", "${callbacks}"]}
`)
	if diff := cmp.Diff(`["SUCCEEDED","8","ACTIVE",true,1,{}]`, outcome(x)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestSecretsAreReadAndWrittenAsText(t *testing.T) {
	t.Parallel()
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.RequestURI {
		case "GET /v1/projects/p/secrets/key/versions/latest:access", "GET /v1/projects/q/secrets/key/versions/2:access":
			jsonReply(w, 200, `{"name":"x","payload":{"data":"aMOkaMOk"}}`)
		case "GET /v1/projects/p/secrets/binary/versions/latest:access":
			jsonReply(w, 200, `{"payload":{"data":"/w=="}}`)
		case "POST /v1/projects/p/secrets/key:addVersion":
			var body map[string]any
			_ = json.NewDecoder(r.Body).Decode(&body)
			text, _ := json.Marshal(body)
			jsonReply(w, 200, string(text))
		default:
			jsonReply(w, 404, `{}`)
		}
	})
	const secrets = "googleapis.secretmanager.v1.projects.secrets."
	o := workflows.Options{Project: "p", Endpoints: everywhere(url)}
	x := run(t, o, `
- a: {call: `+secrets+`versions.accessString, args: {secret_id: key}, result: a}
- b: {call: `+secrets+`addVersionString, args: {secret_id: key, data: new}, result: b}
- c: {return: ["${a}", "${b.payload.data}", '${`+secrets+`versions.accessString("key", "2", "q")}']}
`, "")
	if diff := cmp.Diff(`["hähä","bmV3","hähä"]`, outcome(x)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
	for args, tag := range map[string]string{
		`{secret_id: binary}`: "ValueError", `{secret_id: none}`: "HttpError", `{secret_id: 1}`: "TypeError", `{secret_id: key, version: []}`: "TypeError",
	} {
		if tags, _, _ := raised(t, run(t, o, calling(secrets+"versions.accessString", args), "")); !cmp.Equal([]any{tag}, tags) {
			t.Errorf("%s: %v, want %s", args, tags, tag)
		}
	}
}

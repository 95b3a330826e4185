package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// orderflow runs the command line.
func orderflow(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	c := root()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&errOut)
	err = c.ExecuteContext(ctx)
	return out.String(), errOut.String(), err
}

// definition writes a workflow and gives its path.
func definition(t *testing.T, source string) string {
	t.Helper()
	return file(t, "w.yaml", source)
}

const tabbed = `main:
  steps:
	- x
`

func TestCheckPointsAtEveryProblem(t *testing.T) {
	t.Parallel()
	good := definition(t, "- a: {return: 1}\n")
	bad := definition(t, "- a:\n    call: sys.lag\n- b:\n    next: nowhere\n")
	out, _, err := orderflow(t.Context(), "workflows", "check", good, bad)
	if err == nil || err.Error() != "problems found: 2" {
		t.Errorf("error %v, want 2 problems", err)
	}
	want := `w.yaml:2:11: "sys.lag" is neither a standard function nor a subworkflow
  2 |     call: sys.lag
    |           ^
  hint: did you mean sys.log?

w.yaml:4:11: next: there is no step "nowhere" in main
  4 |     next: nowhere
    |           ^
  hint: jumps reach steps of the same routine, not into or out of a loop or into an except block

`
	if diff := cmp.Diff(want, strings.ReplaceAll(out, filepath.Dir(bad)+"/", "")); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	out, _, err = orderflow(t.Context(), "workflows", "check", good, good)
	if err != nil || out != "✓ no problems found; files checked: 2\n" {
		t.Errorf("printed %q, error %v", out, err)
	}
}

func TestCheckPrintsJSONForMachines(t *testing.T) {
	t.Parallel()
	good := definition(t, "- a: {return: 1}\n")
	bad := definition(t, "- a:\n    assign: [{x: '${1 <}'}]\n")
	out, _, err := orderflow(t.Context(), "workflows", "check", "--json", bad, good)
	if err == nil {
		t.Error("no error")
	}
	var got []map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if len(got) != 1 || got[0]["file"] != bad || got[0]["line"] != 2.0 || got[0]["column"].(float64) < 1 || got[0]["text"] == "" {
		t.Errorf("printed %s", out)
	}
	if out, _, err := orderflow(t.Context(), "workflows", "check", "--json", good); err != nil || out != "[]\n" {
		t.Errorf("printed %q, error %v; want an empty array", out, err)
	}
}

func TestAMarkIsUnderWhatIsMeant(t *testing.T) {
	t.Parallel()
	source := []byte("one\r\n\tä: ${x}\nlast")
	for _, tt := range []struct {
		line, column, n int
		want            string
	}{
		{1, 1, 3, "  1 | one\n    | ^^^\n"},
		{1, 2, 9, "  1 | one\n    |  ^^\n"},
		{2, 5, 4, "  2 | \tä: ${x}\n    | \t   ^^^^\n"},
		{3, 9, 1, "  3 | last\n    |     ^\n"},
		{3, 0, 0, "  3 | last\n    | ^\n"},
		{4, 1, 1, ""},
		{0, 1, 1, ""},
	} {
		if diff := cmp.Diff(tt.want, excerpt(source, tt.line, tt.column, tt.n)); diff != "" {
			t.Errorf("%d:%d (-want +got):\n%s", tt.line, tt.column, diff)
		}
	}
}

func TestRunPrintsTheResultAndNothingElse(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"path": %q}`, r.URL.Path)
	}))
	t.Cleanup(server.Close)
	path := definition(t, `
main:
  params: [order]
  steps:
    - say: {call: sys.log, args: {text: "hello", severity: WARNING}}
    - get: {call: http.get, args: {url: '${sys.get_env("URL") + "/" + order.id}'}, result: got}
    - done: {return: ["${got.body.path}", '${sys.get_env("EQ")}', '${sys.get_env("GOOGLE_CLOUD_WORKFLOW_ID")}']}
`)
	data := file(t, "order.json", `{"id": "o1"}`)
	for _, argument := range []string{`{"id": "o1"}`, "@" + data} {
		out, notes, err := orderflow(t.Context(), "workflows", "run", path, "--data", argument,
			"--env", "URL="+server.URL, "--env", "EQ=a=b,c")
		if err != nil {
			t.Fatalf("%v\n%s", err, notes)
		}
		if want := `["/o1","a=b,c","w"]` + "\n"; out != want {
			t.Errorf("printed %q, want %q", out, want)
		}
		want := `^\d\d:\d\d:\d\d\.\d{3}  WARNING   hello\nsucceeded after \S+; billed steps: 3 internal, 0 external\n$`
		if !regexp.MustCompile(want).MatchString(notes) {
			t.Errorf("noted\n%s", notes)
		}
	}
}

const hourly = `
main:
  params: [by]
  steps:
    - again:
        try:
          steps:
            - nap: {call: sys.sleep, args: {seconds: 3600}}
            - part: {call: divide, args: {by: "${by}"}, result: x}
        retry: {predicate: "${retry.always}", max_retries: 1, backoff: {initial_delay: 60, max_delay: 60, multiplier: 1}}
    - done: {return: "${x}"}
divide:
  params: [by]
  steps:
    - say: {return: "${1 // by}"}
`

func TestTheTraceIsATreeInVirtualTime(t *testing.T) {
	t.Parallel()
	path := definition(t, hourly)
	out, notes, err := orderflow(t.Context(), "workflows", "run", path, "--data", "0", "--trace", "--virtual-time")
	if !errors.Is(err, errExecution) || out != "" {
		t.Errorf("printed %q, error %v", out, err)
	}
	for _, want := range []string{
		`\+0s +2h1m0s  again`,
		`\+0s +1h0m0s    +nap`,
		`\+1h0m0s +0s      +divide\.say +return +✗ ZeroDivisionError: division by zero`,
		`\+1h1m0s +1h0m0s    +nap`,
		`\nfailed after 2h1m0s; billed steps: [0-9]+ internal, 0 external\n`,
		`\nZeroDivisionError: .*\nin step "say", routine "divide", line: 15\nin step "part", routine "main", line: 9\n`,
		`w\.yaml:15:21\n  15 \|     - say: {return: "\$\{1 // by\}"}\n     \|                     \^{2,}\n`,
		`\npayload: \{"message":"ZeroDivisionError: `,
	} {
		if !regexp.MustCompile(want).MatchString(notes) {
			t.Errorf("%s does not match\n%s", want, notes)
		}
	}
	out, notes, err = orderflow(t.Context(), "workflows", "run", path, "--data", "1", "--virtual-time")
	if err != nil || out != "1\n" || !strings.HasPrefix(notes, "succeeded after 1h0m0s") {
		t.Errorf("printed %q, noted %q, error %v", out, notes, err)
	}
}

func TestVirtualTimeLeavesTimeoutsOfCallsReal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	path := definition(t, "- get: {call: http.get, args: {url: \""+server.URL+"\", timeout: 0.05}}\n")
	_, notes, err := orderflow(t.Context(), "workflows", "run", path, "--virtual-time")
	if !errors.Is(err, errExecution) || !strings.Contains(notes, "TimeoutError") {
		t.Errorf("error %v, noted\n%s", err, notes)
	}
}

func TestCtrlCCancelsTheExecution(t *testing.T) {
	t.Parallel()
	path := definition(t, "- nap: {call: sys.sleep, args: {seconds: 30000000}}\n")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errors.New("Ctrl-C")) })
		out, notes, err := orderflow(ctx, "workflows", "run", path, "--trace")
		if err == nil || err.Error() != "Ctrl-C" || out != "" {
			t.Errorf("printed %q, error %v", out, err)
		}
		if !strings.Contains(notes, "cancelled after 1m0s") || !strings.Contains(notes, "nap") {
			t.Errorf("noted\n%s", notes)
		}
	})
}

func TestTheTraceIsATreeAlsoOfThreadsAndOfWhatHasNotEnded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Now()
	printTrace(&out, []workflows.StepTrace{
		{ID: 1, Routine: "main", Step: "a", Type: "STEP_PARALLEL_FOR", Start: now},
		{ID: 2, Parent: 1, Routine: "main", Step: "b", Type: "STEP_CALL", Start: now.Add(1234567 * time.Microsecond),
			End: now.Add(1234567*time.Microsecond + 12345), Error: "one\ntwo"},
		{ID: 3, Routine: "main", Step: "c", Type: "STEP_CALL", Start: now.Add(2 * time.Second)},
		{ID: 4, Parent: 1, Routine: "sub", Step: "d", Type: "STEP_CALL", Start: now.Add(3 * time.Second)},
	})
	want := "start    took  step     \n" +
		"+0s      …     a        parallel_for\n" +
		"+1.235s  12µs    b      call  ✗ one\n" +
		"+3s      …       sub.d  call\n" +
		"+2s      …     c        call\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestWorkflowsRefuseWhatTheyDoNotUnderstand(t *testing.T) {
	t.Parallel()
	good := definition(t, "- a: {return: 1}\n")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"check"}, "requires at least 1 arg"},
		{[]string{"check", "nowhere.yaml"}, "check a workflow: open nowhere.yaml: no such file"},
		{[]string{"run"}, "accepts 1 arg(s), received 0"},
		{[]string{"run", good, good}, "accepts 1 arg(s), received 2"},
		{[]string{"run", "nowhere.yaml"}, "nowhere.yaml: no such file"},
		{[]string{"run", good, "--data", "{a}"}, "--data is no JSON: \"{a}\"; text needs quotes"},
		{[]string{"run", good, "--data", "@nowhere.json"}, "read the argument of the workflow: open nowhere.json"},
		{[]string{"run", good, "--data", "@" + good}, "w.yaml is no JSON"},
		{[]string{"run", good, "--data", `"` + strings.Repeat("x", 1<<20) + `"`}, "run " + good},
		{[]string{"run", good, "--env", "X"}, `--env is "X", want KEY=VALUE`},
		{[]string{"run", good, "--env", "=X"}, "want KEY=VALUE"},
		{[]string{"run", definition(t, tabbed)}, "cannot run; problems found: 1"},
	} {
		_, _, err := orderflow(t.Context(), append([]string{"workflows"}, tt.args...)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.80q: error %.200v, want %q in it", tt.args, err, tt.want)
		}
	}
}

func TestTheSagaThatShipsHasNoProblems(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "workflows", "fulfil-order.yaml")
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if out, _, err := orderflow(t.Context(), "workflows", "check", path); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestWorkflowsHelpHasExamples(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"check", "run"} {
		out, _, err := orderflow(t.Context(), "workflows", name, "--help")
		if err != nil || !strings.Contains(out, "Examples:\n  orderflow workflows "+name) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

package workflows_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

const definitionsPath = "/v1/projects/local-project/locations/us-central1/workflows"

// definition asks the Workflows API and gives the workflow, or the error that an
// operation ended with.
func (l lifetime) definition(method, path, source string, more ...string) map[string]any {
	l.t.Helper()
	body := ""
	if source != "" {
		body = fmt.Sprintf(`{"sourceContents": %q%s}`, source, strings.Join(more, ""))
	}
	_, out := rest(l.t, method, serve(l.t, l.Handler().ServeHTTP)+definitionsPath+path, body)
	if response, ok := out["response"].(map[string]any); ok {
		delete(response, "@type")
		return response
	}
	return out
}

func sourceOf(value string) string { return "- done: {return: " + value + "}\n" }

// result runs a workflow once.
func (l lifetime) result(id string) string {
	l.t.Helper()
	x, err := l.Run(l.t.Context(), id, nil)
	if err != nil {
		return err.Error()
	}
	return outcome(x)
}

func TestWhatTheAPIDeployedIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := begin(t, dir, workflows.Options{}, nil)
	first.definition("POST", "?workflowId=a", sourceOf("1"), `, "labels": {"k": "v"}, "userEnvVars": {"A": "b"}`)
	first.definition("PATCH", "/a", sourceOf("2"), `, "labels": {"k": "v"}`)
	first.definition("PATCH", "/a?updateMask=description", sourceOf("3"), `, "description": "text"`)
	first.definition("POST", "?workflowId=gone", sourceOf("1"))
	if got := first.result("gone"); got != "1" {
		t.Fatalf("result %s", got)
	}
	first.definition("DELETE", "/gone", "")
	first.definition("POST", "?workflowId=anew", sourceOf("1"))
	first.result("anew")
	first.definition("DELETE", "/anew", "")
	first.definition("POST", "?workflowId=anew", sourceOf("'new'"))
	first.result("anew")
	want := map[string]any{}
	for _, path := range []string{"", "/a", "/a:listRevisions", "/anew/executions?view=FULL", "/gone"} {
		want[path] = first.definition("GET", path, "")
	}
	dirs := []string{crashed(t, dir)}
	first.end()
	for _, dir := range append(dirs, dir) {
		next := begin(t, dir, workflows.Options{}, nil)
		next.resume()
		for path, want := range want {
			if diff := cmp.Diff(want, next.definition("GET", path, "")); diff != "" {
				t.Errorf("GET %s (-before +after):\n%s", path, diff)
			}
		}
		if got := next.result("a") + next.result("anew"); got != `2"new"` {
			t.Errorf("results %s", got)
		}
		next.end()
	}
	if n := len(want[""].(map[string]any)["workflows"].([]any)); n != 2 {
		t.Errorf("%d workflows", n)
	}
}

func TestAnUpdateByTheAPIStaysThoughTheProgramDeploysAgain(t *testing.T) {
	t.Parallel()
	dir, deployed := t.TempDir(), map[string]string{"w": sourceOf("1")}
	first := begin(t, dir, workflows.Options{}, deployed)
	first.resume()
	original := first.definition("GET", "/w", "")
	first.end()

	same := begin(t, dir, workflows.Options{}, deployed)
	same.resume()
	if diff := cmp.Diff(original, same.definition("GET", "/w", "")); diff != "" {
		t.Errorf("deployed again (-before +after):\n%s", diff)
	}
	same.definition("PATCH", "/w", sourceOf("2"))
	same.end()

	updated := begin(t, dir, workflows.Options{}, deployed)
	updated.resume()
	if got := updated.result("w"); got != "2" {
		t.Errorf("the update is lost: %s", got)
	}
	updated.end()

	deployed["w"] = sourceOf("3")
	changed := begin(t, dir, workflows.Options{}, deployed)
	changed.resume()
	if got := changed.result("w"); got != "3" {
		t.Errorf("what the program deploys now is not in force: %s", got)
	}
	if id := changed.definition("GET", "/w", "")["revisionId"]; !strings.HasPrefix(fmt.Sprint(id), "000003-") {
		t.Errorf("revision %v", id)
	}
}

func TestAnExecutionGoesOnInItsRevisionAfterARestart(t *testing.T) {
	t.Parallel()
	dir, g := t.TempDir(), newGate(t)
	first := begin(t, dir, g.options(), nil)
	first.definition("POST", "?workflowId=w", callGate)
	first.create("1")
	<-g.entered
	first.definition("PATCH", "/w", sourceOf("2"))
	first.end()
	close(g.open)
	next := begin(t, dir, g.options(), nil)
	next.resume()
	x := next.awaitAll()
	if len(x) != 1 || outcome(x[0]) != "1" || !strings.HasPrefix(x[0].Revision, "000001-") {
		t.Errorf("resumed: %+v", x)
	}
	if got := next.result("w"); got != "2" {
		t.Errorf("begun later: %s", got)
	}
}

func TestAWorkflowThatCannotBeKeptIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	l := begin(t, t.TempDir(), workflows.Options{}, nil)
	if err := l.log.Close(); err != nil {
		t.Fatal(err)
	}
	for method, path := range map[string]string{"POST": "?workflowId=a", "PATCH": "/a", "DELETE": "/a"} {
		source := sourceOf("1")
		if method == "DELETE" {
			source = ""
		}
		l.Deploy("a", compile(t, sourceOf("2")))
		if method == "POST" {
			path = "?workflowId=b"
		}
		e, _ := l.definition(method, path, source)["error"].(map[string]any)
		if fmt.Sprint(e["code"]) != "14" {
			t.Errorf("%s: %v", method, e)
		}
	}
}

func TestDeployMakesAWorkflowThatTheAPIShows(t *testing.T) {
	t.Parallel()
	l := begin(t, t.TempDir(), workflows.Options{}, map[string]string{"w": sourceOf("1")})
	w := l.definition("GET", "/w", "")
	if w["sourceContents"] != sourceOf("1") || w["state"] != "ACTIVE" || w["createTime"] == nil || w["revisionCreateTime"] != w["createTime"] {
		t.Errorf("deployed: %v", w)
	}
	l.definition("PATCH", "/w?updateMask=userEnvVars,labels", sourceOf("x"), `, "userEnvVars": {"A": "b"}, "labels": {"k": "v"}`)
	l.Deploy("w", compile(t, sourceOf("1"))) // the same, but in one life it is a revision
	w = l.definition("GET", "/w", "")
	if !strings.HasPrefix(fmt.Sprint(w["revisionId"]), "000003-") || w["userEnvVars"] == nil || w["labels"] == nil {
		t.Errorf("deployed again: %v", w)
	}
	if code, _ := rest(t, http.MethodGet, serve(t, l.Handler().ServeHTTP)+definitionsPath+"/w?revisionId=000001-xyz", ""); code != http.StatusNotFound {
		t.Errorf("no such revision: %d", code)
	}
}

func TestWhatIsDeployedLateIsKeptAsWell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := begin(t, dir, workflows.Options{}, map[string]string{"early": sourceOf("1")})
	first.resume()
	first.Deploy("late", compile(t, sourceOf("2")))
	first.end()
	next := begin(t, dir, workflows.Options{}, nil)
	next.resume()
	if got := next.result("early") + next.result("late"); got != "12" {
		t.Errorf("results %s", got)
	}
}

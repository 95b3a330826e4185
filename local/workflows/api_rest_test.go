package workflows_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

// at gives a value deep in JSON by a path like "error.status" or "list.0.name".
func at(v any, path string) any {
	for part := range strings.SplitSeq(path, ".") {
		switch m := v.(type) {
		case map[string]any:
			v = m[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(m) {
				return nil
			}
			v = m[i]
		default:
			return nil
		}
	}
	return v
}

func TestAnExecutionIsTheServicesJSON(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{Clock: newClock()})
	path := base + "/v1/" + parent + "/executions"
	_, x := rest(t, "POST", path, `{"argument": "1.5", "callLogLevel": "LOG_ALL_CALLS", "labels": {"k": "v"},
		"executionHistoryLevel": "EXECUTION_HISTORY_BASIC", "disableConcurrencyQuotaOverflowBuffering": true}`)
	name := fmt.Sprint(x["name"])
	for x["state"] == "ACTIVE" {
		_, x = rest(t, "GET", base+"/v1/"+name, "")
	}
	want := map[string]any{
		"name": name, "createTime": "2026-01-02T03:04:05Z", "startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:04:06.500Z",
		"duration": "1.500s", "state": "SUCCEEDED", "argument": "1.5", "result": "1.5", "callLogLevel": "LOG_ALL_CALLS",
		"labels": map[string]any{"k": "v"}, "executionHistoryLevel": "EXECUTION_HISTORY_BASIC", "disableConcurrencyQuotaOverflowBuffering": true,
		"status":             map[string]any{"currentSteps": []any{map[string]any{"routine": "main", "step": "done"}}},
		"workflowRevisionId": x["workflowRevisionId"],
	}
	if diff := cmp.Diff(want, x); diff != "" {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
	_, basic := rest(t, "GET", base+"/v1/"+name+"?view=BASIC", "")
	for _, field := range []string{"argument", "result", "callLogLevel", "labels", "status", "executionHistoryLevel", "disableConcurrencyQuotaOverflowBuffering"} {
		delete(want, field)
	}
	if diff := cmp.Diff(want, basic); diff != "" {
		t.Errorf("basic view (-want +got):\n%s", diff)
	}
	_, numbers := rest(t, "GET", base+"/v1/"+name+"?%24alt=json%3Benum-encoding%3Dint&key=x&prettyPrint=false", "")
	if numbers["state"] != 2.0 {
		t.Errorf("state as a number: %v", numbers["state"])
	}
	_, list := rest(t, "GET", path+`?view=2&filter=disableConcurrencyQuotaOverflowBuffering%3Dtrue`, "")
	if at(list, "executions.0.argument") != "1.5" {
		t.Errorf("list %v", list)
	}
	_, list = rest(t, "GET", path+`?filter=disableConcurrencyQuotaOverflowBuffering%3Dfalse`, "")
	if len(list) != 0 {
		t.Errorf("an empty list: %v", list)
	}
}

func TestAProjectMayBeNamedByItsNumber(t *testing.T) {
	t.Parallel()
	c, base, _ := start(t, workflows.Options{ProjectNumber: "1234"})
	byNumber := strings.Replace(parent, "projects/p/", "projects/1234/", 1)
	x, err := c.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{Parent: byNumber})
	if err != nil {
		t.Fatal(err)
	}
	if x = awaitEnd(t, c, strings.Replace(x.Name, "projects/p/", "projects/1234/", 1)); x.State != executionspb.Execution_SUCCEEDED {
		t.Errorf("execution %v", x)
	}
	if _, w := rest(t, "GET", base+"/v1/"+byNumber, ""); w["name"] != parent {
		t.Errorf("workflow %v", w)
	}
}

func TestExecutionsAreFilteredAndOrdered(t *testing.T) {
	t.Parallel()
	c, _, _ := start(t, workflows.Options{Clock: newClock()})
	var names []string // argument 3, "bad", 1: they run for so many seconds of the clock
	for _, argument := range []string{`3`, `"bad"`, `1`} {
		x := create(t, c, argument)
		awaitEnd(t, c, x.Name)
		names = append(names, x.Name)
	}
	runs, err := c.CreateExecution(t.Context(), &executionspb.CreateExecutionRequest{Parent: parent})
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, awaitEnd(t, c, runs.Name).Name)
	id := names[2][strings.LastIndexByte(names[2], '/')+1:]
	for query, want := range map[[2]string]string{
		{"", ""}:                  "3 2 1 0",
		{`state="SUCCEEDED"`, ""}: "3 2 0",
		{`state!="SUCCEEDED" OR duration>2s`, ""}:                                        "1 0",
		{`executionId="` + id + `"`, ""}:                                                 "2",
		{`createTime>="2026-01-02T03:04:08Z" AND createTime<"2026-01-02T03:04:09Z"`, ""}: "2 1",
		{`startTime>"2026-01-03"`, ""}:                                                   "",
		{`endTime<="2026-01-02T03:04:08Z"`, ""}:                                          "1 0",
		{`stepName="wait"`, ""}:                                                          "1",
		{`label.k="v"`, ""}:                                                              "2 1 0",
		{`NOT labels:k`, ""}:                                                             "3",
		{`workflowRevisionId:"000001-"`, ""}:                                             "3 2 1 0",
		{"", "duration desc"}:                                                            "0 2 3 1",
		{"", "state, createTime"}:                                                        "0 2 3 1",
		{"", "startTime asc, endTime desc"}:                                              "0 2 1 3",
	} {
		var got []string
		r := &executionspb.ListExecutionsRequest{Parent: parent, PageSize: 2, Filter: query[0], OrderBy: query[1]}
		for _, x := range collect(t, c.ListExecutions(t.Context(), r).Next) {
			for i, name := range names {
				if x.Name == name {
					got = append(got, fmt.Sprint(i))
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}
}

func TestRESTRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{})
	long := `{"argument": "` + strings.Repeat(" ", 2<<20) + `"}`
	for _, tc := range []struct {
		request, body string
		code          int
		status        string
	}{
		{"GET /v1/" + place + "/workflows?pageSize=x", "", 400, "INVALID_ARGUMENT"},
		{"GET /v1/" + place + "/workflows?pageSize=99999999999", "", 400, "INVALID_ARGUMENT"},
		{"GET /v1/" + place + "/workflows?nothing=1", "", 400, "INVALID_ARGUMENT"},
		{"GET /v1/" + place + "/workflows?filter=nothing", "", 400, "INVALID_ARGUMENT"},
		{"GET /v1/" + place + "/workflows?filter.a=1", "", 400, "INVALID_ARGUMENT"},
		{"PATCH /v1/" + parent + "?workflow.nothing=1", "{}", 400, "INVALID_ARGUMENT"},
		{"PATCH /v1/" + parent + "?updateMask=nothing", "{}", 400, "INVALID_ARGUMENT"},
		{"PATCH /v1/" + parent, `{"nothing": 1}`, 400, "INVALID_ARGUMENT"},
		{"PATCH /v1/" + parent, `[`, 400, "INVALID_ARGUMENT"},
		{"POST /v1/" + place + "/workflows", `{"sourceContents": "- a: {return: 1}"}`, 400, "INVALID_ARGUMENT"},
		{"POST /v1/" + parent + "/executions", long, 400, "INVALID_ARGUMENT"},
		{"POST /v1/" + parent + "/executions", `{"executionHistoryLevel": "ALL"}`, 400, "INVALID_ARGUMENT"},
		{"POST /v1/" + parent + "/executions", `{"disableConcurrencyQuotaOverflowBuffering": 1}`, 400, "INVALID_ARGUMENT"},
		{"POST /v1/" + parent + "/executions", `{"labels": {"K": "v"}}`, 400, "INVALID_ARGUMENT"},
		{"PUT /v1/" + parent, `{}`, 501, "UNIMPLEMENTED"},
		{"GET /v2/" + parent, ``, 501, "UNIMPLEMENTED"},
		{"POST /v1/" + parent + ":exportData", ``, 501, "UNIMPLEMENTED"},
		{"GET /v1/" + place + "/operations/none", ``, 404, "NOT_FOUND"},
		{"GET /v1/projects/p/locations/mars/workflows", ``, 404, "NOT_FOUND"},
		{"GET /v1/projects/q/locations", ``, 404, "NOT_FOUND"},
	} {
		method, path, _ := strings.Cut(tc.request, " ")
		code, out := rest(t, method, base+path, tc.body)
		if code != tc.code || at(out, "error.status") != tc.status || at(out, "error.code") != float64(tc.code) || at(out, "error.message") == "" {
			t.Errorf("%s %.40s: %d %v, want %d %s", tc.request, tc.body, code, out, tc.code, tc.status)
		}
	}
}

func TestAnswersAreIndentedJSON(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{})
	for path, want := range map[string]string{
		"/v1/projects/p/locations": "{\n  \"locations\": [\n    {\n      \"name\": \"projects/p/locations/l\",\n      \"locationId\": \"l\",\n" +
			"      \"displayName\": \"l\",\n      \"labels\": {\n        \"cloud.googleapis.com/region\": \"l\"\n      }\n    }\n  ]\n}\n",
		"/v1/" + parent + "/executions": "{}\n",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if string(body) != want || resp.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
			t.Errorf("%s: %s %q", path, resp.Header.Get("Content-Type"), body)
		}
	}
}

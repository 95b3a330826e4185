package workflows_test

import (
	"encoding/json"
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

func TestStepEntriesTellWhatHappened(t *testing.T) {
	t.Parallel()
	_, base, _ := start(t, workflows.Options{Trace: true, Clock: newClock()})
	_, x := rest(t, "POST", base+"/v1/"+parent+"/executions", `{"argument": "\"no number\""}`)
	one := fmt.Sprint(base, "/v1/", x["name"])
	for x["state"] == "ACTIVE" {
		_, x = rest(t, "GET", one, "")
	}
	_, list := rest(t, "GET", one+"/stepEntries", "")
	first := at(list, "stepEntries.0")
	for path, want := range map[string]any{
		"name": fmt.Sprint(x["name"], "/stepEntries/1"), "entryId": "1", "routine": "main", "step": "wait", "state": "STATE_FAILED",
		"createTime": "2026-01-02T03:04:05Z", "updateTime": "2026-01-02T03:04:05Z",
	} {
		if at(first, path) != want {
			t.Errorf("%s of the first entry is %v, want %v", path, at(first, path), want)
		}
	}
	if payload := fmt.Sprint(at(first, "exception.payload")); !json.Valid([]byte(payload)) || !strings.Contains(payload, "TypeError") {
		t.Errorf("exception %s", payload)
	}
	if at(list, "totalSize") != 1.0 {
		t.Errorf("list %v", list)
	}
	if _, got := rest(t, "GET", one+"/stepEntries/1", ""); cmp.Diff(first, any(got)) != "" {
		t.Errorf("got %v", got)
	}
	for query, want := range map[string]float64{`filter=state%3DSTATE_FAILED`: 1, `filter=step%3Ddone`: 0, `skip=1`: 1} {
		_, list := rest(t, "GET", one+"/stepEntries?"+query, "")
		total, _ := at(list, "totalSize").(float64)
		if total != want {
			t.Errorf("%s: %v", query, list)
		}
	}
	for _, query := range []string{"pageSize=x", "skip=99999999999", "filter=nothing", "orderBy=parent", "pageToken=x"} {
		if code, list := rest(t, "GET", one+"/stepEntries?"+query, ""); code != http.StatusBadRequest {
			t.Errorf("%s: %d %v", query, code, list)
		}
	}

	_, export := rest(t, "GET", one+":exportData", "")
	var data map[string]any
	if err := json.Unmarshal([]byte(fmt.Sprint(export["data"])), &data); err != nil {
		t.Fatal(err)
	}
	if at(data, "execution.name") != x["name"] || at(data, "stepEntries.0.step") != "wait" {
		t.Errorf("exported %v", data)
	}
	if code, out := rest(t, "POST", one+":deleteExecutionHistory", ""); code != http.StatusOK || len(out) != 0 {
		t.Errorf("delete the history: %d %v", code, out)
	}
	if _, list := rest(t, "GET", one+"/stepEntries", ""); len(list) != 0 {
		t.Errorf("after that: %v", list)
	}
	_, runs := rest(t, "POST", base+"/v1/"+parent+"x/executions", `{"argument": "3600"}`)
	if at(runs, "error.status") != "NOT_FOUND" {
		t.Errorf("an unknown workflow: %v", runs)
	}
}

func TestTheHistoryOfWhatRunsIsNotDeleted(t *testing.T) {
	t.Parallel()
	c, base, _ := start(t, workflows.Options{Trace: true})
	x := create(t, c, "3600")
	if code, out := rest(t, "POST", base+"/v1/"+x.Name+":deleteExecutionHistory", ""); code != http.StatusBadRequest || at(out, "error.status") != "FAILED_PRECONDITION" {
		t.Errorf("%d %v", code, out)
	}
	for _, verb := range []string{"GET exportData", "POST deleteExecutionHistory"} {
		method, verb, _ := strings.Cut(verb, " ")
		if code, out := rest(t, method, base+"/v1/"+x.Name+"x:"+verb, ""); code != http.StatusNotFound {
			t.Errorf("%s of none: %d %v", verb, code, out)
		}
	}
}

func TestAPushOfPubSubBecomesAnEvent(t *testing.T) {
	t.Parallel()
	c, base, _ := start(t, workflows.Options{})
	d := transports["gRPC"](t, base)
	w := returning("")
	w.SourceCode = sourceCode("main: {params: [event], steps: [{done: {return: '${event}'}}]}")
	must(createWorkflow(t, d, "echo", w))(t)
	url := base + "/v1/" + place + "/workflows/echo:triggerPubsubExecution"
	code, x := rest(t, "POST", url, `{"subscription": "projects/p/subscriptions/s", "GCPCloudEventsMode": "CUSTOM_PUBSUB_projects/p/topics/t",
		"message": {"data": "aGk=", "attributes": {"a": "b"}, "messageId": "7", "publishTime": "2026-01-02T03:04:05Z"}, "deliveryAttempt": 1}`)
	if code != http.StatusOK {
		t.Fatalf("%d %v", code, x)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(awaitEnd(t, c, fmt.Sprint(x["name"])).Result), &event); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"specversion": "1.0", "type": "google.cloud.pubsub.topic.v1.messagePublished", "source": "//pubsub.googleapis.com/projects/p/topics/t",
		"id": "7", "time": "2026-01-02T03:04:05Z", "datacontenttype": "application/json",
		"data": map[string]any{"subscription": "projects/p/subscriptions/s", "message": map[string]any{
			"data": "aGk=", "attributes": map[string]any{"a": "b"}, "messageId": "7", "publishTime": "2026-01-02T03:04:05Z",
		}},
	}
	if diff := cmp.Diff(want, event); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	for _, body := range []string{``, `{`, `[]`, `{"subscription": "s", "message": {}}`, `{"message": {}, "GCPCloudEventsMode": "m"}`, `{"subscription": "s", "GCPCloudEventsMode": "m"}`} {
		if code, out := rest(t, "POST", url, body); code != http.StatusBadRequest {
			t.Errorf("%s: %d %v", body, code, out)
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

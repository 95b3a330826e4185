package workflows_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

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

package workflows_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"orderflow.dev/local/workflows"
)

// FuzzREST: whatever is asked, the answer is JSON, and an error has the form that
// Google APIs give it. Nothing a client sends is an internal error.
func FuzzREST(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "/v1/" + place + "/workflows", "filter=state=ACTIVE&orderBy=name desc&pageSize=1&$alt=x", ""},
		{"POST", "/v1/" + place + "/workflows", "workflowId=a", `{"sourceContents": "- a: {return: 1}", "labels": {"k": "v"}}`},
		{"PATCH", "/v1/" + parent, "updateMask=labels,userEnvVars&workflow.labels.key=x", `{"userEnvVars": {"A": "b"}}`},
		{"GET", "/v1/" + parent + ":listRevisions", "pageToken=eyJ9", ""},
		{"DELETE", "/v1/" + parent, "", ""},
		{"POST", "/v1/" + parent + "/executions", "", `{"argument": "1", "callLogLevel": 1, "executionHistoryLevel": null}`},
		{"GET", "/v1/" + parent + "/executions", "view=FULL&filter=duration>1s OR label.k:*&orderBy=endTime", ""},
		{"GET", "/v1/" + parent + "/executions/x/stepEntries", "skip=-1", ""},
		{"POST", "/v1/" + parent + ":triggerPubsubExecution", "", `{"subscription": "s", "message": {"messageId": {}}, "GCPCloudEventsMode": "m"}`},
		{"GET", "/v1/" + place + "/operations", "filter=done=true", ""},
		{"GET", "/v1/projects/p/locations", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	e := workflows.NewEngine(workflows.Options{Project: "p", Location: "l", KeepFinished: 10})
	f.Cleanup(e.Close)
	handler := e.Handler()
	w, err := workflows.Compile("w.yaml", []byte("- a: {return: 1}"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		e.Deploy("w", w)
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: http.NoBody, Host: "x",
		}
		if body != "" {
			r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
		}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r.WithContext(t.Context()))
		if answer.Code == http.StatusMovedPermanently || answer.Code == http.StatusTemporaryRedirect {
			return // to the clean path
		}
		var out struct {
			Error *struct {
				Code            int
				Message, Status string
			}
		}
		if err := json.Unmarshal(answer.Body.Bytes(), &out); err != nil {
			t.Fatalf("%d %q: %v", answer.Code, answer.Body, err)
		}
		failed := answer.Code != http.StatusOK && (out.Error == nil || out.Error.Code != answer.Code || out.Error.Status == "")
		if failed || answer.Code == http.StatusInternalServerError {
			t.Errorf("%d %s", answer.Code, answer.Body)
		}
	})
}

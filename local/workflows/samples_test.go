package workflows_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/workflowstest"
)

// sample is a definition of testdata/samples and what comes of it. The samples are after those of Google's documentation
// and of github.com/GoogleCloudPlatform/workflows-samples: what they do, in other words.
type sample struct {
	file     string // without .yaml
	argument any
	server   answers
	want     string // the result as JSON, "error: " and its first line, or "problem: " and a part of it
	calls    string // one a line: when, method, URL, code and body
	elapsed  time.Duration
}

// answers is what a server answers to a method and URL, in turn; the last answer for ever. "refused", "lost" and "late"
// are no answers; a number is a code; anything else is JSON, with a code before it unless it is 200.
type answers map[string][]string

func (s answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " http://" + r.Host + r.RequestURI
	left := s[call]
	if len(left) == 0 {
		http.Error(w, "there is no answer for "+call, http.StatusNotImplemented)
		return
	}
	if len(left) > 1 {
		s[call] = left[1:]
	}
	switch left[0] {
	case "refused":
		panic(workflowstest.ErrRefused)
	case "lost":
		panic(http.ErrAbortHandler)
	case "late":
		_ = workflowstest.Sleep(r.Context(), 24*time.Hour) // the call's timeout ends it
	case "echo":
		w.Header().Set("Content-Type", "application/json")
		body, err := io.ReadAll(r.Body)
		text, _ := json.Marshal([]string{r.Header.Get("Content-Type"), string(body), fmt.Sprint(err)})
		_, _ = w.Write(text)
	default:
		code, body := 200, left[0]
		if n, err := fmt.Sscanf(left[0], "%3d", &code); n == 1 && err == nil {
			body = strings.TrimSpace(left[0][3:])
		} else {
			code = 200
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

var samples = []sample{
	{file: "steps_in_order", want: `"good morning"`},
	{file: "steps_jump", want: `["one","three","two"]`},
	{file: "argument", argument: map[string]any{"firstName": "Ada", "lastName": "King"}, want: `"Ada King"`},
	{file: "argument", argument: map[string]any{"firstName": "Ada"}, want: `error: KeyError: `},
	{file: "expressions", want: `["It is 80.6 degrees",[2.7,2,"1.7"],[18,2,3],[false,true,true,3,1,true]]`},
	{file: "text_without_expression", want: `"double(\"2.7\")"`},
	{file: "dictionary", want: `{"Address":{"City":"London","Street":"St James's Square 12"},"First":"Ada","Last":"Lovelace","Middle Name":"Byron","Title":"Countess"}`},
	{file: "dictionary_functions", want: `[true,9,4,null,{"apple":3,"nested":{"pear":4}},["nested"],2]`},
	{file: "list_elements", want: `[["zero",1,2,3],[[10,"changed"],[20,21]],true]`},
	{file: "list_reverse", want: `[3,2,1]`},
	{file: "iterate_list", want: `["0apple","1pear","2plum"]`},
	{file: "iterate_map", want: `60`},
	{file: "iterate_range", want: `25`},
	{file: "iterate_http", argument: []string{"Oslo", "Rome"}, server: answers{
		"GET http://weather.test/now?city=Oslo&unit=C": {`{"degrees": 4}`}, "GET http://weather.test/now?city=Rome&unit=C": {`{"degrees": 24.5}`},
	}, want: `["Rome"]`, calls: `
0s GET http://weather.test/now?city=Oslo&unit=C 200
0s GET http://weather.test/now?city=Rome&unit=C 200`},
	{file: "iterate_http", argument: []string{}, want: `[]`},
	{file: "loop_scope", want: `6`},
	{file: "loop_scope_refused", want: `problem: 'copy'`},
	{file: "condition_default", argument: "Friday", want: `"almost"`},
	{file: "condition_default", argument: "Sunday", want: `"rest"`},
	{file: "condition_default", argument: "Monday", want: `"work"`},
	{file: "condition_http", server: answers{"GET http://time.test/now?zone=Europe/Amsterdam": {`{"dayOfWeek": "Sunday"}`}},
		want: `"closed on Sunday"`, calls: "\n0s GET http://time.test/now?zone=Europe/Amsterdam 200"},
	{file: "condition_http", server: answers{"GET http://time.test/now?zone=Europe/Amsterdam": {`{"dayOfWeek": "Monday"}`}},
		want: `"open"`, calls: "\n0s GET http://time.test/now?zone=Europe/Amsterdam 200"},
	{file: "subworkflow_defaults", want: `["Hello Ada Lovelace of London","Hello Grace Hopper of New York"]`},
	{file: "subworkflow_recursion", argument: 15, want: `1307674368000`},
	{file: "subworkflow_recursion", argument: 40, want: `error: RecursionError: `},
	{file: "http_get_query", server: answers{
		"GET http://wiki.test/api?action=search&exact=true&limit=5&term=monday&term=tuesday": {`203 ["x", {"y": 1}]`},
	}, want: `[203,{"y":1},"application/json"]`, calls: "\n0s GET http://wiki.test/api?action=search&exact=true&limit=5&term=monday&term=tuesday 203"},
	{file: "http_post_json", server: answers{"POST http://hello.test/": {"echo"}},
		want:  `["application/json; charset=utf-8","{\"first\":\"Ada\",\"list\":[1,2.5,null,true]}","<nil>"]`,
		calls: "\n" + `0s POST http://hello.test/ 200 {"first":"Ada","list":[1,2.5,null,true]}`},
	{file: "http_form", server: answers{"POST http://hello.test/login": {"echo"}},
		want:  `["application/x-www-form-urlencoded","user=ada&word=a%20b%26c","<nil>"]`,
		calls: "\n" + `0s POST http://hello.test/login 200 "user=ada\u0026word=a%20b%26c"`},
	{file: "http_pages", server: answers{
		"GET http://rows.test/list?pageToken=":   {`{"rows": [1, 2], "next": "p2"}`},
		"GET http://rows.test/list?pageToken=p2": {`{"rows": [], "next": "p3"}`},
		"GET http://rows.test/list?pageToken=p3": {`{"rows": [3], "next": ""}`},
	}, want: `[1,2,3]`, calls: `
0s GET http://rows.test/list?pageToken= 200
0s GET http://rows.test/list?pageToken=p2 200
0s GET http://rows.test/list?pageToken=p3 200`},
	{file: "http_poll", server: answers{
		"POST http://jobs.test/jobs": {`{"id": "7"}`}, "GET http://jobs.test/jobs/7": {`{"complete": false}`, `{"complete": false}`, `{"complete": true, "rows": [1]}`},
	}, want: `[1]`, elapsed: 10 * time.Minute, calls: `
0s POST http://jobs.test/jobs 200 {"query":"SELECT 1"}
0s GET http://jobs.test/jobs/7 200
5m0s GET http://jobs.test/jobs/7 200
10m0s GET http://jobs.test/jobs/7 200`},
	{file: "sleep_until", want: `108000`, elapsed: 30 * time.Hour},
	{file: "error_catch", server: item(`{"a": 1}`), want: `{"a":1}`, calls: "\n" + itemAt("0s", 200)},
	{file: "error_catch", server: item("404"), want: `"no such item"`, calls: "\n" + itemAt("0s", 404)},
	{file: "error_catch", server: item("refused"), want: `"no connection"`, calls: "\n" + itemAt("0s", 0)},
	{file: "error_catch", server: item("late"), want: `"no connection"`, calls: "\n" + itemAt("0s", 0), elapsed: 300 * time.Second},
	{file: "error_catch", server: item("418"), want: `error: RuntimeError: {"body":null,"code":418,`, calls: "\n" + itemAt("0s", 418)},
	{file: "error_raise_text", want: `error: RuntimeError: "caught: out of tea"`},
	{file: "error_raise_map", want: `[55,"out of tea",false]`},
	{file: "error_tags", want: `["KeyError","IndexError","TypeError","ZeroDivisionError","ValueError"]`},
	{file: "error_retry_default", server: item("429", "502", "503", "504", "refused", "201"), want: `201`, elapsed: 8207031250 * time.Nanosecond,
		calls: lines(itemAt("0s", 429), itemAt("1s", 502), itemAt("2.25s", 503), itemAt("3.8125s", 504), itemAt("5.765625s", 0), itemAt("8.20703125s", 201))},
	{file: "error_retry_default", server: item("500"), want: `error: HTTP server responded with error code 500`, calls: "\n" + itemAt("0s", 500)},
	{file: "error_retry_non_idempotent", server: answers{"POST http://shop.test/buy": {"429", "503", "refused", "200 {}"}}, want: `200`,
		elapsed: 3812500 * time.Microsecond, calls: `
0s POST http://shop.test/buy 429 {}
1s POST http://shop.test/buy 503 {}
2.25s POST http://shop.test/buy 0 {}
3.8125s POST http://shop.test/buy 200 {}`},
	{file: "error_retry_non_idempotent", server: answers{"POST http://shop.test/buy": {"lost"}}, want: `["ConnectionError"]`,
		calls: "\n0s POST http://shop.test/buy 0 {}"},
	{file: "error_retry_non_idempotent", server: answers{"POST http://shop.test/buy": {"502"}}, want: `["HttpError"]`,
		calls: "\n0s POST http://shop.test/buy 502 {}"},
	{file: "error_retry_backoff", server: item("lost", "503", "503", "503", "503", "503", "200 {}"), want: `200`, elapsed: 211 * time.Second,
		calls: lines(itemAt("0s", 0), itemAt("1s", 503), itemAt("4s", 503), itemAt("13s", 503), itemAt("40s", 503), itemAt("2m1s", 503), itemAt("3m31s", 200))},
	{file: "error_retry_predicate", server: item("500", "500", "200 {}"), want: `"fine"`, elapsed: 6 * time.Second,
		calls: lines(itemAt("0s", 500), itemAt("2s", 500), itemAt("6s", 200))},
	{file: "error_retry_predicate", server: item("503"), want: `error: HTTP server responded with error code 503`, calls: "\n" + itemAt("0s", 503)},
	{file: "error_retry_response", server: answers{"GET http://shop.test/report": {"202 {}", "202 {}", "[1]"}}, want: `[1]`, elapsed: 6 * time.Second, calls: `
0s GET http://shop.test/report 202
2s GET http://shop.test/report 202
6s GET http://shop.test/report 200`},
	{file: "names", want: `[7,[1,2,3,4],"T",7]`},
	{file: "environment", want: `["local-project","us-central1","workflow","gold","fallback"]`},
	{file: "parallel_branches", server: answers{"GET http://shop.test/stock/apples": {`{"n": 3}`}, "GET http://shop.test/order/pears": {`{"n": 4}`}},
		want: `{"order":4,"stock":3}`, calls: `
0s GET http://shop.test/stock/apples 200
0s GET http://shop.test/order/pears 200`},
	{file: "parallel_aggregate", want: `465`, elapsed: 29 * time.Second}, // also if only 20 run at a time: the last ten then end at 19 s
	{file: "parallel_positions", want: `["A","B","C"]`, elapsed: 20 * time.Second},
	{file: "parallel_errors", want: `["UnhandledBranchError",3,3]`},
	{file: "parallel_undeclared", want: `problem: total`},
	{file: "callback_timeout", server: answers{"POST http://shop.test/tell": {"{}"}}, want: `["TimeoutError"]`, elapsed: time.Hour,
		calls: "\n" + `0s POST http://shop.test/tell 200 {"there":true}`},
	{file: "connector_pages", server: answers{
		"GET http://storage.googleapis.com/storage/v1/b/uploads/o?maxResults=2":             {`{"items": [{"name": "a"}, {"name": "b"}], "nextPageToken": "t"}`},
		"GET http://storage.googleapis.com/storage/v1/b/uploads/o?maxResults=2&pageToken=t": {`503`, `{"items": [{"name": "c"}]}`},
	}, want: `["a","b","c"]`, elapsed: time.Second, calls: `
0s GET https://storage.googleapis.com/storage/v1/b/uploads/o?maxResults=2 200
0s GET https://storage.googleapis.com/storage/v1/b/uploads/o?maxResults=2&pageToken=t 503
1s GET https://storage.googleapis.com/storage/v1/b/uploads/o?maxResults=2&pageToken=t 200`},
	{file: "connector_publish", server: answers{
		"POST http://pubsub.googleapis.com/v1/projects/local-project/topics/orders:publish": {`{"messageIds": ["1"]}`},
	}, want: `["1"]`, calls: "\n" + `0s POST https://pubsub.googleapis.com/v1/projects/local-project/topics/orders:publish 200 {"messages":[{"data":"aGVsbG8="}]}`},
	{file: "connector_executions", argument: 5, want: `120`},
}

// item answers GET /item.
func item(all ...string) answers { return answers{"GET http://shop.test/item": all} }

func itemAt(at string, code int) string {
	return fmt.Sprintf("%s GET http://shop.test/item %d", at, code)
}

func lines(calls ...string) string { return "\n" + strings.Join(calls, "\n") }

func path(s sample) string { return filepath.Join("testdata", "samples", s.file+".yaml") }

func TestSamplesDoWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()
	for i, s := range samples {
		t.Run(fmt.Sprintf("%s/%d", s.file, i), func(t *testing.T) {
			t.Parallel()
			if part, ok := strings.CutPrefix(s.want, "problem: "); ok {
				hasProblem(t, s, part)
				return
			}
			r := workflowstest.Run(t, path(s), s.argument, maps.Clone(s.server), workflowstest.Env(map[string]string{"TIER": "gold"}))
			if got := outcome(r.Execution); !strings.HasPrefix(got, "error: ") && got != s.want || !strings.HasPrefix(got, s.want) {
				t.Errorf("ended with %s, want %s", got, s.want)
			}
			if r.Elapsed != s.elapsed {
				t.Errorf("took %v, want %v", r.Elapsed, s.elapsed)
			}
			if diff := cmp.Diff(s.calls, made(t, r)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// hasProblem fails the test unless the definition is refused for what part names.
func hasProblem(t *testing.T, s sample, part string) {
	t.Helper()
	source, err := os.ReadFile(path(s))
	if err != nil {
		t.Fatal(err)
	}
	var problems workflows.Problems
	if _, err := workflows.Compile(path(s), source); !errors.As(err, &problems) || !strings.Contains(problems[0].Text, part) {
		t.Errorf("compiled with %v, want a problem with %s", err, part)
	}
}

// made writes the calls of an execution one a line, each after a line break.
func made(t *testing.T, r workflowstest.Result) string {
	t.Helper()
	var b strings.Builder
	for _, c := range r.Calls {
		fmt.Fprintf(&b, "\n%v %s %s %d", c.At, c.Method, c.URL, c.Code)
		if c.Body != nil {
			body, err := json.Marshal(c.Body)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " %s", body)
		}
	}
	return b.String()
}

func TestEverySampleIsExpectedToDoSomething(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "samples", "*.yaml"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, f := range files {
		if !slices.ContainsFunc(samples, func(s sample) bool { return path(s) == f && s.want != "" }) {
			t.Errorf("%s: nothing is expected of it", f)
		}
	}
}

package function_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/local/cloudtest"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// signed is the headers of alice's request with an id of its own.
func signed(t *testing.T) cloudtest.Header {
	h := cloudtest.Bearer(t, "alice")
	h["X-Request-Id"], h["traceparent"] = cloudtest.NewID(), traceparent
	return h
}

func wantProblem(t *testing.T, what string, a cloudtest.Answer, status int, reason string) problem.Problem {
	t.Helper()
	var p problem.Problem
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatalf("%s: answer %d %q is no problem: %v", what, a.Status, a.Body, err)
	}
	if a.Status != status || p.Status != status || p.Reason != reason || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: answer %d %s %s, want %d %s", what, a.Status, a.Header.Get("Content-Type"), a.Body, status, reason)
	}
	if id := a.Header.Get("X-Request-Id"); p.RequestID != id || id == "" {
		t.Errorf("%s: request id is %q in the problem and %q in the header", what, p.RequestID, id)
	}
	if strings.Contains(a.Body, "secret") || strings.Contains(a.Body, "goroutine") {
		t.Errorf("%s: internals leak: %s", what, a.Body)
	}
	return p
}

// wantLine is the one line that an invocation leaves.
func wantLine(t *testing.T, requestID, severity, outcome string) map[string]any {
	t.Helper()
	lines := logged.Lines(t, "request_id", requestID)
	if len(lines) != 1 || lines[0]["severity"] != severity || lines[0]["outcome"] != outcome {
		t.Fatalf("request %s left lines %v, want one of severity %s and outcome %s", requestID, lines, severity, outcome)
	}
	return lines[0]
}

func TestAPIAnswersProtoJSON(t *testing.T) {
	t.Parallel()
	h := signed(t)
	a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-api"), h, `{"note":"","paymentMethod":"pm","shipping_address":null}`)
	want := `{"order_id":"o1","status":"ORDER_STATUS_PLACED","note":"` + cloudtest.CustomerID("alice") + `"}` + "\n"
	if a.Status != http.StatusCreated || a.Body != want {
		t.Errorf("answer %d %q, want 201 %q", a.Status, a.Body, want)
	}
	for k, v := range map[string]string{
		"Content-Type": "application/json", "Location": "/v1/orders/o1", "Cache-Control": "no-store", "X-Request-Id": h["X-Request-Id"],
	} {
		if got := a.Header.Get(k); got != v {
			t.Errorf("%s is %q, want %q", k, got, v)
		}
	}
	line := wantLine(t, h["X-Request-Id"], "INFO", "ok")
	if line["customer_id"] != cloudtest.CustomerID("alice") || line["logging.googleapis.com/trace"] != "projects/"+cloudtest.Project()+"/traces/"+traceparent[3:35] {
		t.Errorf("line %v", line)
	}
}

func TestAPIRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, body string
		change       cloudtest.Header
		status       int
		reason       string
	}{
		"another method":         {"GET", "", nil, 405, "method_not_allowed"},
		"a third method":         {"PUT", "{}", nil, 405, "method_not_allowed"},
		"another method, nobody": {"DELETE", "", cloudtest.Header{"Authorization": ""}, 405, "method_not_allowed"},
		"nobody":                 {"POST", "{}", cloudtest.Header{"Authorization": ""}, 401, "missing_token"},
		"a forged token":         {"POST", "{}", cloudtest.Header{"Authorization": "Bearer a.b.c"}, 401, "invalid_token"},
		"no content type":        {"POST", "{}", cloudtest.Header{"Content-Type": ""}, 415, "unsupported_media_type"},
		"a form":                 {"POST", "a=b", cloudtest.Header{"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		"too large":              {"POST", `{"note":"` + strings.Repeat("a", function.MaxBody) + `"}`, nil, 413, "body_too_large"},
		"packed":                 {"POST", "{}", cloudtest.Header{"Content-Encoding": "gzip"}, 415, "unsupported_media_type"},
		"100,000 levels":         {"POST", `{"lines":` + strings.Repeat("[", 100_000), nil, 400, "invalid_json"},
		"a number of 200 kB":     {"POST", `{"lines":[{"quantity":` + strings.Repeat("1", 200_000) + `}]}`, nil, 400, "invalid_json"},
		"no JSON":                {"POST", "{", nil, 400, "invalid_json"},
		"nothing":                {"POST", "", nil, 400, "invalid_json"},
		"an unknown field":       {"POST", `{"price": 1}`, nil, 400, "invalid_json"},
		"a field twice":          {"POST", `{"note":"a","note":"b"}`, nil, 400, "invalid_json"},
		"a wrong type":           {"POST", `{"lines": 3}`, nil, 400, "invalid_json"},
		"two documents":          {"POST", `{} {}`, nil, 400, "invalid_json"},
		"bytes that are no text": {"POST", "{\"note\":\"\xff\"}", nil, 400, "invalid_json"},
		"refused by the domain":  {"POST", `{"note":"refused"}`, nil, 409, "already_confirmed"},
		"trouble":                {"POST", `{"note":"trouble"}`, nil, 503, ""},
		"a bug":                  {"POST", `{"note":"bug"}`, nil, 500, ""},
		"a panic":                {"POST", `{"note":"panic"}`, nil, 500, ""},
	} {
		h := signed(t)
		maps.Copy(h, c.change)
		a := cloudtest.Send(t, c.method, cloudtest.Function(t, "test-api"), h, c.body)
		p := wantProblem(t, name, a, c.status, c.reason)
		if len(p.Detail) > 300 {
			t.Errorf("%s: detail is %d bytes long", name, len(p.Detail))
		}
		if strings.ContainsAny(p.Detail, "\u00a0\n") {
			t.Errorf("%s: detail %q has protojson's deliberate white space", name, p.Detail)
		}
		if allow := a.Header.Get("Allow"); (allow == "POST") != (c.status == 405) {
			t.Errorf("%s: Allow is %q", name, allow)
		}
		if c.status < 500 {
			wantLine(t, h["X-Request-Id"], "WARNING", c.reason) // a stranger must not be able to page anybody
		}
		if c.status == 401 && a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: no WWW-Authenticate", name)
		}
	}
}

func TestUnknownFieldIsNamed(t *testing.T) {
	t.Parallel()
	a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-api"), signed(t), `{"price": 1}`)
	p := wantProblem(t, "unknown field", a, 400, "invalid_json")
	if want := `the body is not what is expected: line 1:2: unknown field "price"`; p.Detail != want {
		t.Errorf("detail %q, want %q", p.Detail, want)
	}
}

func TestPanicIsOneErrorLineWithItsStack(t *testing.T) {
	t.Parallel()
	h := signed(t)
	cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-api"), h, `{"note":"panic"}`)
	line := wantLine(t, h["X-Request-Id"], "ERROR", "unknown")
	if text, _ := line["error"].(string); !strings.Contains(text, "panic: secret panic") || !strings.Contains(text, "main_test.go") {
		t.Errorf("the line's error is %q, want the panic and where it was", text)
	}
}

func TestGetTakesItsParametersFromTheQuery(t *testing.T) {
	t.Parallel()
	a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "test-get")+"?id=a%2Fb", signed(t), "")
	if a.Status != http.StatusOK || a.Body != `{"order_id":"a/b"}`+"\n" {
		t.Errorf("answer %d %q", a.Status, a.Body)
	}
}

func TestRequestIDOfAStrangerIsReplaced(t *testing.T) {
	t.Parallel()
	h := signed(t)
	h["X-Request-Id"] = "two words"
	a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-api"), h, `{}`)
	if id := a.Header.Get("X-Request-Id"); id == "two words" || id == "" {
		t.Errorf("request id %q", id)
	}
}

func TestAPIOfAScopeIsForThoseWhoHaveIt(t *testing.T) {
	t.Parallel()
	for scopes, lacks := range map[string]string{"": "one", "two": "one", "one": "two", "two one": "", "one two three": ""} {
		h := cloudtest.Bearer(t, "alice", scopes)
		h["X-Request-Id"] = cloudtest.NewID()
		a := cloudtest.Send(t, http.MethodGet, cloudtest.Function(t, "test-scoped"), h, "")
		if lacks == "" {
			if a.Status != http.StatusOK {
				t.Errorf("scope %q: answer %d %s", scopes, a.Status, a.Body)
			}
			continue
		}
		p := wantProblem(t, "scope "+scopes, a, 403, "missing_scope")
		if !strings.Contains(p.Detail, "the scope "+lacks+":") || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("scope %q: detail %q, headers %v", scopes, p.Detail, a.Header)
		}
		wantLine(t, h["X-Request-Id"], "WARNING", "missing_scope")
	}
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{"": 0, "page_size=": 0, "page_size=1": 1, "page_size=1000": 1000, "page_size=0": -1, "page_size=-1": -1, "page_size=1e3": -1, "page_size=99999999999999999999": -1} {
		r := &function.Request{Request: httptest.NewRequest(http.MethodGet, "/?"+query, nil)}
		got, err := r.PageSize()
		if want < 0 != (fault.Reason(err) == "invalid_request") || want >= 0 && got != want {
			t.Errorf("%s: %d, %v; want %d", query, got, err, want)
		}
	}
}

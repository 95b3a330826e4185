package function_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/platform/function"
	"orderflow.dev/local/cloudtest"
)

func TestCallAnswersInConnectsForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, body string
		status       int
		want         map[string]any
	}{
		"ok": {"POST", `{"reason":"ok"}`, 200, map[string]any{"status": "ORDER_STATUS_CANCELLING"}},
		"a field of a newer caller is ignored": {"POST", `{"reason":"ok","new_field":1}`, 200,
			map[string]any{"status": "ORDER_STATUS_CANCELLING"}},
		"refused": {"POST", `{"reason":"refused"}`, 400,
			map[string]any{"code": "failed_precondition", "reason": "already_confirmed", "message": "order o1 is confirmed"}},
		"a bug":    {"POST", `{"reason":"bug"}`, 500, map[string]any{"code": "unknown", "message": "an unexpected error"}},
		"a panic":  {"POST", `{"reason":"panic"}`, 500, map[string]any{"code": "unknown", "message": "an unexpected error"}},
		"too much": {"POST", `{"reason":"` + strings.Repeat("a", function.MaxBody) + `"}`, 400, map[string]any{"code": "invalid_argument", "reason": "body_too_large", "message": "the body is over 262144 bytes: send less"}},
	} {
		a := cloudtest.Send(t, c.method, cloudtest.Function(t, "test-call"), nil, c.body)
		var got map[string]any
		if err := json.Unmarshal([]byte(a.Body), &got); err != nil {
			t.Fatalf("%s: %d %q: %v", name, a.Status, a.Body, err)
		}
		if diff := cmp.Diff(c.want, got); a.Status != c.status || diff != "" || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: status %d, want %d; body (-want +got):\n%s", name, a.Status, c.status, diff)
		}
	}
}

func TestCallRefusesWhatIsNoCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, body string
		status       int
		reason       string
	}{
		"no JSON": {"POST", "{", 400, "invalid_json"},
		"nothing": {"POST", "", 400, "invalid_json"},
		"GET":     {"GET", "", 405, "method_not_allowed"},
	} {
		a := cloudtest.Send(t, c.method, cloudtest.Function(t, "test-call"), nil, c.body)
		if a.Status != c.status || !strings.Contains(a.Body, `"reason":"`+c.reason+`"`) {
			t.Errorf("%s: answer %d %s, want %d %s", name, a.Status, a.Body, c.status, c.reason)
		}
		if allow := a.Header.Get("Allow"); (allow == "POST") != (c.status == 405) {
			t.Errorf("%s: Allow is %q", name, allow)
		}
	}
}

// TestSchedule shares what the function is to do and is not parallel.
func TestSchedule(t *testing.T) {
	for how, want := range map[string]int{"ok": 204, "trouble": 503, "bug": 500, "panic": 500} {
		scheduled.Store(how)
		id := cloudtest.NewID()
		a := cloudtest.Send(t, http.MethodPost, cloudtest.Function(t, "test-schedule"), cloudtest.Header{"X-Request-Id": id}, "")
		if a.Status != want {
			t.Errorf("%s: answer %d %s, want %d", how, a.Status, a.Body, want)
		}
		lines := logged.Lines(t, "request_id", id)
		if len(lines) != 1 {
			t.Errorf("%s: %d lines, want 1", how, len(lines))
		} else if how != "panic" && lines[0]["due"] != 3.0 {
			t.Errorf("%s: line %v does not say what was done", how, lines[0])
		}
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	url := cloudtest.Function(t, "test-webhook")
	if a := cloudtest.Send(t, http.MethodPost, url, nil, "ok"); a.Status != http.StatusNoContent || a.Body != "" {
		t.Errorf("ok: answer %d %q, want 204", a.Status, a.Body)
	}
	for name, c := range map[string]struct {
		method, body string
		status       int
		reason       string
	}{
		"another method": {"GET", "", 405, "method_not_allowed"},
		"too large":      {"POST", "more than ten", 413, "body_too_large"},
		"refused":        {"POST", "refused", 409, "already_confirmed"},
		"trouble":        {"POST", "trouble", 503, ""},
		"a panic":        {"POST", "panic", 500, ""},
	} {
		id := cloudtest.NewID()
		a := cloudtest.Send(t, c.method, url, cloudtest.Header{"X-Request-Id": id}, c.body)
		wantProblem(t, name, a, c.status, c.reason)
		if allow := a.Header.Get("Allow"); (allow == "POST") != (c.status == 405) {
			t.Errorf("%s: Allow is %q (RFC 9110, 15.5.6)", name, allow)
		}
		if n := len(logged.Lines(t, "request_id", id)); n != 1 {
			t.Errorf("%s: %d lines, want 1", name, n)
		}
	}
}

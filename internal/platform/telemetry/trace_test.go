package telemetry

import (
	"context"
	"regexp"
	"strings"
	"testing"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestContinueKeepsAValidTrace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parent  string
		sampled bool
	}{
		"sampled":                         {"00-" + traceID + "-" + spanID + "-01", true},
		"not sampled":                     {"00-" + traceID + "-" + spanID + "-00", false},
		"sampled, and random (level 2)":   {"00-" + traceID + "-" + spanID + "-03", true},
		"random, not sampled (level 2)":   {"00-" + traceID + "-" + spanID + "-02", false},
		"surrounded by space":             {" 00-" + traceID + "-" + spanID + "-01 ", true},
		"a later version, same form":      {"01-" + traceID + "-" + spanID + "-01", true},
		"a later version, with more":      {"cc-" + traceID + "-" + spanID + "-01-what-comes", true},
		"a later version, unknown flags":  {"01-" + traceID + "-" + spanID + "-ff", true},
		"a later version, no known flags": {"01-" + traceID + "-" + spanID + "-fe", false},
	} {
		got := Continue(c.parent, "r1")
		if got.TraceID != traceID || got.Sampled != c.sampled || got.RequestID != "r1" {
			t.Errorf("%s: %+v, want trace %s, sampled %v, request r1", name, got, traceID, c.sampled)
		}
		if got.SpanID == spanID || len(got.SpanID) != 16 {
			t.Errorf("%s: span %s is not a new one", name, got.SpanID)
		}
	}
}

func TestContinueBeginsANewTraceInsteadOfAMalformedOne(t *testing.T) {
	t.Parallel()
	for name, parent := range map[string]string{
		"nothing":             "",
		"garbage":             "garbage",
		"upper case":          "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01",
		"trace of zeros":      "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01",
		"span of zeros":       "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01",
		"short trace":         "00-" + traceID[:31] + "-" + spanID + "-01",
		"no flags":            "00-" + traceID + "-" + spanID,
		"more than version 0": "00-" + traceID + "-" + spanID + "-01-more",
		"version ff":          "ff-" + traceID + "-" + spanID + "-01",
		"later, no separator": "01-" + traceID + "-" + spanID + "-01more",
		"a line break":        "00-" + traceID + "-" + spanID + "-01\n{}",
	} {
		got := Continue(parent, "r1")
		if got.TraceID == traceID || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(got.TraceID) || got.Sampled {
			t.Errorf("%s: %+v, want a new trace", name, got)
		}
	}
}

func TestRequestIDIsKeptOnlyIfItIsPlainText(t *testing.T) {
	t.Parallel()
	for id, kept := range map[string]bool{
		"r1": true, "a.B_c:d/e+f=g-h": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "a b": false, "a\nb": false, "a\r\nX-Evil: 1": false, "ü": false, `"}`: false, "<b>": false,
	} {
		got := Continue("", id).RequestID
		if (got == id) != kept {
			t.Errorf("request id %q became %q, kept should be %v", id, got, kept)
		}
		if !requestID.MatchString(got) {
			t.Errorf("request id %q became %q, which is not plain text", id, got)
		}
	}
}

func TestFreshIDsDiffer(t *testing.T) {
	t.Parallel()
	a, b := Continue("", ""), Continue("", "")
	if a.TraceID == b.TraceID || a.SpanID == b.SpanID || a.RequestID == b.RequestID {
		t.Errorf("two fresh traces share an id: %+v, %+v", a, b)
	}
}

func TestTraceparentIsContinuedByTheNext(t *testing.T) {
	t.Parallel()
	for _, sampled := range []bool{true, false} {
		a := Trace{TraceID: traceID, SpanID: spanID, Sampled: sampled}
		if b := Continue(a.Traceparent(), ""); b.TraceID != a.TraceID || b.Sampled != sampled {
			t.Errorf("%+v continues as %+v", a, b)
		}
	}
	if got := (Trace{}).Traceparent(); got != "" {
		t.Errorf("no trace has traceparent %q", got)
	}
}

func TestTraceTravelsInTheContext(t *testing.T) {
	t.Parallel()
	want := Trace{TraceID: traceID, RequestID: "r"}
	if got := TraceOf(WithTrace(context.Background(), want)); got != want {
		t.Errorf("TraceOf = %+v, want %+v", got, want)
	}
	if got := TraceOf(context.Background()); got != (Trace{}) {
		t.Errorf("TraceOf nothing = %+v", got)
	}
}

func FuzzContinue(f *testing.F) {
	f.Add("00-"+traceID+"-"+spanID+"-01", "r1")
	f.Add("cc-"+traceID+"-"+spanID+"-01-x", "\n")
	f.Fuzz(func(t *testing.T, parent, request string) {
		got := Continue(parent, request)
		if !requestID.MatchString(got.RequestID) {
			t.Errorf("request id %q", got.RequestID)
		}
		if again := Continue(got.Traceparent(), got.RequestID); again.TraceID != got.TraceID || again.RequestID != got.RequestID || again.Sampled != got.Sampled {
			t.Errorf("%+v continues as %+v", got, again)
		}
	})
}

package workflows_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"orderflow.dev/local/workflows"
	"orderflow.dev/local/workflows/workflowstest"
)

// kind is what the saga must make of a fault.
type kind int

const (
	trouble kind = iota // it is tried again
	refused             // the order is cancelled
	broken              // the execution fails at once
	garbled             // the step is done, and its answer cannot be read: the execution fails where it reads it
)

// fault is one way in which a step goes wrong.
type fault struct {
	name   string
	kind   kind
	after  bool // the step does its work first
	fail   func(http.ResponseWriter, *http.Request)
	takes  time.Duration // until the saga gives the call up
	tag    string        // of the error; not of garbled answers
	reason string        // of a refusal
}

// times is how often to let it go wrong, negative for ever. Codes differ in what they are taken for, which once tells;
// how long the saga is patient, one of them tells.
func (f fault) times() []int {
	switch {
	case f.kind != trouble:
		return []int{-1}
	case f.tag == "HttpError" && !strings.HasPrefix(f.name, "503"):
		return []int{1}
	}
	return []int{1, 4, -1}
}

// faults are all ways, each before and after the step did its work if that is a difference.
func faults() (all []fault) {
	for _, f := range slices.Concat(codes(), connections()) {
		late := f
		late.after = true
		late.name += " after the effect"
		all = append(all, f, late)
	}
	all = append(all, fault{name: "connection refused", kind: trouble, tag: "ConnectionFailedError",
		fail: func(http.ResponseWriter, *http.Request) { panic(workflowstest.ErrRefused) }})
	return slices.Concat(all, garbage(), refusals())
}

// codes are the error codes: each of the classes that the saga tells apart, and what comes with them.
func codes() (all []fault) {
	with := func(code int, contentType, body string) fault {
		f := fault{kind: broken, tag: "HttpError", name: strings.TrimSpace(fmt.Sprintf("%d %s %.30s", code, contentType, body))}
		if code == 408 || code == 409 || code == 429 || code >= 500 {
			f.kind = trouble
		}
		f.fail = func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", contentType)
			rw.WriteHeader(code)
			_, _ = rw.Write([]byte(body)) // a recorder takes everything, where a code has a body at all
		}
		return f
	}
	for _, code := range []int{
		300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 406, 408, 409, 410, 412, 413, 415, 422, 429, 451, 499,
		500, 501, 502, 503, 504, 507, 511, 599,
	} {
		all = append(all, with(code, "application/json", `{"code":"unknown","message":"m"}`))
	}
	for _, body := range []string{
		``, `{`, `null`, `[]`, `"declined"`, `{"reason":null}`, `{"reason":5}`, `{"reason":"no_such"}`, `{"reason":["declined"]}`,
	} {
		all = append(all, with(400, "application/json", body))
	}
	return append(all, with(400, "text/html", "<html>"), with(502, "text/html", "<html>"), with(503, "application/json", "{"), with(503, "", ""))
}

// connections are the ways in which no answer comes at all.
func connections() []fault {
	return []fault{
		{name: "connection broken", kind: trouble, tag: "ConnectionError",
			fail: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		{name: "no answer in time", kind: trouble, tag: "TimeoutError", takes: 15 * time.Second,
			fail: func(_ http.ResponseWriter, r *http.Request) { _ = workflowstest.Sleep(r.Context(), time.Hour) }},
	}
}

// garbage are good codes with answers that are none.
func garbage() (all []fault) {
	with := func(contentType, body string) fault {
		return fault{name: "200 " + contentType + " " + body, kind: garbled, after: true, fail: func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", contentType)
			_, _ = rw.Write([]byte(body))
		}}
	}
	for _, body := range []string{``, `{}`, `null`, `[]`, `"text"`, `{"reservation":1,"payment":[]}`} {
		all = append(all, with("application/json", body))
	}
	all = append(all, with("text/html", "<html>"), with("image/png", "\x89PNG"))
	unreadable := with("application/json", "{")
	unreadable.kind, unreadable.tag = broken, "ResponseTypeError"
	return append(all, unreadable)
}

// refusals are the reasons for which an order is cancelled.
func refusals() (all []fault) {
	for _, reason := range []string{"out_of_stock", "declined", "cancelled", "expired"} {
		for _, code := range []int{400, 404, 412, 422} {
			all = append(all, fault{name: fmt.Sprintf("%d refused: %s", code, reason), kind: refused, tag: "HttpError", reason: reason,
				fail: func(rw http.ResponseWriter, _ *http.Request) { reply(rw, code, refusal(reason)) }})
		}
	}
	return all
}

var (
	forward = []string{"reserve", "charge", "confirm"}
	undo    = []string{"cancel", "refund", "release", "close"}
	// delays are between the attempts of a phase.
	delays = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
	// readBefore is the step before which the saga reads the answer of another; what confirm and close answer it does
	// not read.
	readBefore = map[string]string{
		"reserve": "confirm", "charge": "confirm", "cancel": "refund", "refund": "close", "release": "close",
	}
)

// saga is what the saga must do when one step goes wrong: written a second time, as a list of calls.
type saga struct {
	step     string
	fault    fault
	left     int    // how often it goes wrong yet
	declined bool   // a charge is refused
	unread   string // the step before which a garbled answer is read

	calls   []string
	elapsed time.Duration
	reason  string // for which the order is cancelled
}

// run plays the saga, from the start or from the undoing.
func (s *saga) run(start []string) workflows.State {
	end := s.phase(start)
	if end == refused && start[0] == forward[0] {
		end = s.phase(undo)
	}
	if end == done {
		return workflows.Succeeded
	}
	return workflows.Failed
}

// done is the end of a phase in which nothing is wrong in the end.
const done kind = -1

// phase plays the steps, all of them again after trouble.
func (s *saga) phase(steps []string) kind {
	end := s.attempt(steps)
	for _, d := range delays {
		if end != trouble {
			break
		}
		s.elapsed += d
		end = s.attempt(steps)
	}
	return end
}

func (s *saga) attempt(steps []string) kind {
	for _, step := range steps {
		if step == s.unread {
			return broken
		}
		s.calls = append(s.calls, step)
		if step == "charge" && s.declined {
			s.reason = "declined"
			return refused
		}
		if step != s.step || s.left == 0 {
			continue
		}
		s.left--
		s.elapsed += s.fault.takes
		if s.fault.kind == refused && s.reason == "" {
			s.reason = s.fault.reason
		}
		if s.fault.kind != garbled {
			return s.fault.kind
		}
		s.unread = readBefore[step]
	}
	return done
}

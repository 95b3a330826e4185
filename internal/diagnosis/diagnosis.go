// Package diagnosis says what is wrong with a running pipeline, from what was seen of it: for each thing that was looked at
// one line of what was found, and one of what to do. It looks at nothing itself.
package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Level is how a thing stands.
type Level string

// Levels. Bad hurts customers or breaks a promise; Warn will, if nobody looks; Unknown could not be looked at.
const (
	OK      Level = "ok"
	Warn    Level = "warn"
	Bad     Level = "bad"
	Unknown Level = "unknown"
)

// Finding is what was found of one thing.
type Finding struct {
	Check string `json:"check"` // what was looked at: dead letters
	Level Level  `json:"level"`
	Found string `json:"found"`        // in a line
	Do    string `json:"do,omitempty"` // the command, or the runbook's heading; empty if there is nothing to do
}

// Seen is what was seen of a pipeline. A part that is nil was not looked at, and nothing is found of it, unless Unseen says
// why.
type Seen struct {
	At      time.Time
	Project string // empty: the local stack

	Parts         []Part
	Clocks        map[string]time.Duration // how far others' clocks are ahead of this machine's
	Unpublished   map[string]time.Time     // by database, the oldest; zero: nothing is unpublished
	Orders        *Orders
	DeadLetters   []DeadLetter
	Sweeps        map[string]Run // by function; a zero Run was not found
	Subscriptions []Subscription
	Imports       []Import
	Limits        []Limit
	Unseen        map[string]error // by check, why it could not be looked at
}

// Part is something that must answer.
type Part struct {
	Name    string
	Version string // what runs there, if it is known
	Err     error
}

// Orders are those that have not ended.
type Orders struct {
	Unfinished []Order
	More       bool // not all were read
}

// Order is one of them.
type Order struct {
	ID         string
	Expires    time.Time
	Cancelling time.Time // since when; zero if it is not
	Attempts   int       // sagas that were started again
}

// DeadLetter is one that nobody has decided about.
type DeadLetter struct {
	Function string
	Parked   time.Time
}

// Run is the last run of a sweep.
type Run struct {
	At      time.Time
	Outcome string
	Counts  map[string]int // what it did: due, throttled, …
}

// Subscription is how far a subscriber is behind.
type Subscription struct {
	Name   string
	Oldest time.Duration // age of the oldest message that was not acknowledged
	Failed int           // deliveries that failed lately, where the age is not known
}

// Import is one that has not ended.
type Import struct {
	ID, Name string
	Changed  time.Time // when anything last happened to it
}

// Limit is what a unit may use, and how much of it is used, if that is known.
type Limit struct {
	Unit      string
	Timeout   time.Duration
	Waits     time.Duration // the longest it waits for a service that it calls; 0 if it calls none
	Instances int           // at most
	Used      int           // -1: not known
}

// Diagnose finds what is wrong: in the order of Seen, and within a check worst first.
func Diagnose(s Seen) (found []Finding) {
	for _, check := range []func(Seen) []Finding{
		parts, clocks, unpublished, orders, sagas, deadLetters, sweeps, subscriptions, imports, limits, unseen,
	} {
		some := check(s)
		slices.SortStableFunc(some, func(a, b Finding) int { return cmp.Compare(rank(b.Level), rank(a.Level)) })
		found = append(found, some...)
	}
	return found
}

func rank(l Level) int { return slices.Index([]Level{OK, Warn, Unknown, Bad}, l) }

// Worst is the worst level of findings.
func Worst(found []Finding) Level {
	worst := OK
	for _, f := range found {
		if rank(f.Level) > rank(worst) {
			worst = f.Level
		}
	}
	return worst
}

// runbook is where to read on.
func runbook(heading string) string { return "docs/runbook.md, " + heading }

// graded is a finding whose level grows with how long something has lasted.
func graded(check string, lasted, warn, bad time.Duration, do, format string, args ...any) Finding {
	f := Finding{Check: check, Level: OK, Found: fmt.Sprintf(format, args...)}
	switch {
	case lasted >= bad:
		f.Level = Bad
	case lasted >= warn:
		f.Level = Warn
	}
	if f.Level != OK {
		f.Do = do
	}
	return f
}

// age is a duration for people.
func age(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d seconds", int(d.Seconds()))
}

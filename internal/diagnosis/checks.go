package diagnosis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// When something has lasted too long. Those that have an alert have the alert's time.
const (
	clockWarn, clockBad             = 2 * time.Second, time.Minute // a webhook is refused from 5 minutes on
	unpublishedWarn, unpublishedBad = 2 * time.Minute, 5 * time.Minute
	overdueBad                      = 15 * time.Minute
	cancellingWarn                  = 10 * time.Minute
	manyAttempts                    = 3
	sweepWarn, sweepBad             = 3 * time.Minute, 15 * time.Minute
	waitingWarn, waitingBad         = 2 * time.Minute, 10 * time.Minute
	stillWarn, stillBad             = 20 * time.Minute, time.Hour
	usedWarn                        = 90 // percent of the instances
)

func parts(s Seen) (found []Finding) {
	for _, p := range s.Parts {
		f := Finding{Check: "answers: " + p.Name, Level: OK, Found: "answers"}
		if p.Version != "" {
			f.Found += ", " + p.Version
		}
		if p.Err != nil {
			f.Level, f.Found, f.Do = Bad, oneLine(p.Err), runbook("A unit answers 5xx")
			if s.Project == "" {
				f.Do = "look at the stack's log for " + p.Name + ", or start the stack again: orderflow up"
			}
		}
		found = append(found, f)
	}
	return found
}

func clocks(s Seen) (found []Finding) {
	for _, name := range slices.Sorted(maps.Keys(s.Clocks)) {
		ahead := s.Clocks[name]
		found = append(found, graded("clock: "+name, ahead.Abs(), clockWarn, clockBad, "set this machine's clock (NTP), or theirs: tokens and webhooks are held to the time",
			"%+.1f s from this machine's", ahead.Seconds()))
	}
	return found
}

func unpublished(s Seen) (found []Finding) {
	for _, database := range slices.Sorted(maps.Keys(s.Unpublished)) {
		check, since := "unpublished: "+database, s.Unpublished[database]
		if since.IsZero() {
			found = append(found, Finding{Check: check, Level: OK, Found: "every event is known to be published"})
			continue
		}
		lasted := s.At.Sub(since)
		found = append(found, graded(check, lasted, unpublishedWarn, unpublishedBad, runbook("Events are not published"), "the oldest event has waited for %s", age(lasted)))
	}
	return found
}

func orders(s Seen) []Finding {
	if s.Orders == nil {
		return nil
	}
	var overdue, cancelling, tried []string
	for _, o := range s.Orders.Unfinished {
		if s.At.Sub(o.Expires) >= overdueBad {
			overdue = append(overdue, o.ID)
		}
		if !o.Cancelling.IsZero() && s.At.Sub(o.Cancelling) >= cancellingWarn {
			cancelling = append(cancelling, o.ID)
		}
		if o.Attempts >= manyAttempts {
			tried = append(tried, o.ID)
		}
	}
	open := fmt.Sprintf("%d orders on their way", len(s.Orders.Unfinished))
	if s.Orders.More {
		open = "at least " + open
	}
	found := []Finding{{Check: "orders", Level: OK, Found: open}}
	for _, f := range []struct {
		level Level
		ids   []string
		what  string
		do    string
	}{
		{Bad, overdue, "should have ended over " + age(overdueBad) + " ago", runbook("Orders are overdue")},
		{Warn, cancelling, "have been cancelling for over " + age(cancellingWarn), runbook("Sagas are failing")},
		{Warn, tried, fmt.Sprintf("had their saga started again %d times or more", manyAttempts), runbook("Sagas are failing")},
	} {
		if len(f.ids) > 0 {
			found = append(found, Finding{"orders", f.level, fmt.Sprintf("%d %s, such as %s", len(f.ids), f.what, f.ids[0]), f.do})
		}
	}
	return found
}

func sagas(s Seen) []Finding {
	run, ok := s.Sweeps["sweep-orders"]
	if !ok || run.At.IsZero() {
		return nil
	}
	if n := run.Counts["throttled"]; n > 0 {
		return []Finding{{"sagas", Warn, fmt.Sprintf("Workflows refused to start %d in the last sweep", n), "ask Google for more of the quota Workflows: execution starts; " + runbook("Orders are overdue")}}
	}
	return []Finding{{Check: "sagas", Level: OK, Found: "none was refused by Workflows in the last sweep"}}
}

func deadLetters(s Seen) (found []Finding) {
	by := map[string][]DeadLetter{}
	for _, l := range s.DeadLetters {
		by[l.Function] = append(by[l.Function], l)
	}
	for _, function := range slices.Sorted(maps.Keys(by)) {
		oldest := slices.MinFunc(by[function], func(a, b DeadLetter) int { return a.Parked.Compare(b.Parked) })
		found = append(found, Finding{"dead letters", Bad,
			fmt.Sprintf("%s gave up on %d events, the oldest %s ago", function, len(by[function]), age(s.At.Sub(oldest.Parked))),
			"orderflow dead-letters" + projectFlag(s) + " list --function " + function + "; " + runbook("Dead letter arrived")})
	}
	if s.DeadLetters != nil && len(found) == 0 {
		found = append(found, Finding{Check: "dead letters", Level: OK, Found: "none waits for a decision"})
	}
	return found
}

func projectFlag(s Seen) string {
	if s.Project == "" {
		return ""
	}
	return " --project " + s.Project
}

func sweeps(s Seen) (found []Finding) {
	for _, name := range slices.Sorted(maps.Keys(s.Sweeps)) {
		run := s.Sweeps[name]
		switch {
		case run.At.IsZero():
			found = append(found, Finding{"sweep: " + name, Warn, "no run is known", runbook("A scheduled run is missing")})
		case run.Outcome != "ok":
			found = append(found, Finding{"sweep: " + name, Bad, fmt.Sprintf("its last run, %s ago, ended with %s", age(s.At.Sub(run.At)), run.Outcome), runbook("A scheduled run is missing")})
		default:
			lasted := s.At.Sub(run.At)
			found = append(found, graded("sweep: "+name, lasted, sweepWarn, sweepBad, runbook("A scheduled run is missing"), "last ran %s ago", age(lasted)))
		}
	}
	return found
}

func subscriptions(s Seen) (found []Finding) {
	for _, sub := range s.Subscriptions {
		f := graded("subscription: "+sub.Name, sub.Oldest, waitingWarn, waitingBad, runbook("Messages are waiting"), "its oldest message has waited for %s", age(sub.Oldest))
		if sub.Failed > 0 && f.Level == OK {
			f.Level, f.Found, f.Do = Warn, fmt.Sprintf("%d deliveries failed in the last minutes", sub.Failed), runbook("Messages are waiting")
		}
		if f.Level != OK {
			found = append(found, f)
		}
	}
	if s.Subscriptions != nil && len(found) == 0 {
		found = append(found, Finding{Check: "subscriptions", Level: OK, Found: "nobody is behind"})
	}
	return found
}

func imports(s Seen) (found []Finding) {
	for _, im := range s.Imports {
		lasted := s.At.Sub(im.Changed)
		f := graded("import: "+im.ID, lasted, stillWarn, stillBad, runbook("An import stands still"), "nothing has happened to %s for %s", im.Name, age(lasted))
		if f.Level != OK {
			found = append(found, f)
		}
	}
	if s.Imports != nil && len(found) == 0 {
		found = append(found, Finding{Check: "imports", Level: OK, Found: fmt.Sprintf("%d are at work, none stands still", len(s.Imports))})
	}
	return found
}

func limits(s Seen) (found []Finding) {
	for _, l := range s.Limits {
		if l.Waits >= l.Timeout {
			found = append(found, Finding{"limits", Warn, fmt.Sprintf("%s ends after %s, and waits for others up to %s: it is ended before they can tell it why", l.Unit, l.Timeout, l.Waits),
				"raise its timeout in function.yaml, and release"})
		}
		if l.Used >= 0 && l.Used*100 >= l.Instances*usedWarn {
			found = append(found, Finding{"limits", Warn, fmt.Sprintf("%s uses %d of its %d instances", l.Unit, l.Used, l.Instances), runbook("A unit has all its instances")})
		}
	}
	if s.Limits != nil && len(found) == 0 {
		found = append(found, Finding{Check: "limits", Level: OK, Found: fmt.Sprintf("of %d units none is near its instances, and each outlasts what it waits for", len(s.Limits))})
	}
	return found
}

func unseen(s Seen) (found []Finding) {
	for _, check := range slices.Sorted(maps.Keys(s.Unseen)) {
		found = append(found, Finding{check, Unknown, "could not be looked at: " + oneLine(s.Unseen[check]), "look by hand: " + runbook("Alerts")})
	}
	return found
}

func oneLine(err error) string {
	const most = 160
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

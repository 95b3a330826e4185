package promise_test

import (
	"fmt"
	"testing"
	"time"

	"orderflow.dev/internal/promise"
)

// bug is a seeded one: what it does to a good world. The check must catch it under the promise's name.
type bug struct {
	name  string
	seed  func(*promise.World)
	under bool          // seeded in underWay, at moment+after, not quiet
	after time.Duration // 0: a minute
}

func TestEverySeededBugIsCaught(t *testing.T) {
	t.Parallel()
	seeded := 0
	for name, bugs := range seededBugs {
		seeded += len(bugs)
		enough(t, name, len(bugs), 3)
		for _, b := range bugs {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				caught(t, name, b)
			})
		}
	}
	for name, bugs := range seededPasts {
		seeded += len(bugs)
		enough(t, name, len(bugs), 4)
		for _, b := range bugs {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				w, h := lived(t)
				b.seed(&w, &h)
				wantCaught(t, name, promise.CheckHistory(w, h))
			})
		}
	}
	t.Logf("%d seeded bugs", seeded)
	if seeded < 150 {
		t.Errorf("%d seeded bugs, want at least 150", seeded)
	}
}

func TestEveryPromiseHasSeededBugs(t *testing.T) {
	t.Parallel()
	for _, v := range promise.Check(promise.World{}, later, true) {
		if seededBugs[v.Promise] == nil && v.Promise != promise.DeadLettersListed {
			t.Errorf("%s has no seeded bug", v.Promise)
		}
	}
	for _, v := range promise.CheckHistory(promise.World{}, past{}) {
		if seededPasts[v.Promise] == nil {
			t.Errorf("%s has no seeded bug", v.Promise)
		}
	}
}

func enough(t *testing.T, name string, n, least int) {
	t.Helper()
	if n < least {
		t.Errorf("%s has %d seeded bugs, want at least %d", name, n, least)
	}
}

func caught(t *testing.T, name string, b bug) {
	t.Helper()
	w, now, quiet := ended(t), later, true
	if b.under {
		w, now, quiet = underWay(t), moment.Add(max(b.after, time.Minute)), false
	}
	b.seed(&w)
	wantCaught(t, name, promise.Check(w, now, quiet))
}

func wantCaught(t *testing.T, name string, verdicts []promise.Verdict) {
	t.Helper()
	if found := violations(verdicts); len(found[name]) == 0 {
		t.Errorf("not caught; found %s", fmt.Sprint(found))
	}
}

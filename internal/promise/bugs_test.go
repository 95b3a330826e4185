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
		if len(bugs) < 3 {
			t.Errorf("%s has %d seeded bugs, want at least 3", name, len(bugs))
		}
		for _, b := range bugs {
			t.Run(name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				caught(t, name, b)
			})
		}
	}
	for _, v := range promise.Check(promise.World{}, later, true) {
		if seededBugs[v.Promise] == nil && v.Promise != promise.DeadLettersListed {
			t.Errorf("%s has no seeded bug", v.Promise)
		}
	}
	t.Logf("%d seeded bugs", seeded)
	if seeded < 40 {
		t.Errorf("%d seeded bugs, want at least 40", seeded)
	}
}

func caught(t *testing.T, name string, b bug) {
	t.Helper()
	w, now, quiet := ended(t), later, true
	if b.under {
		w, now, quiet = underWay(t), moment.Add(max(b.after, time.Minute)), false
	}
	b.seed(&w)
	found := violations(promise.Check(w, now, quiet))
	if len(found[name]) == 0 {
		t.Errorf("not caught; found %s", fmt.Sprint(found))
	}
}

package drill_test

import (
	"testing"
	"time"

	"orderflow.dev/local/drill"
	"orderflow.dev/local/stack"
)

// A restore of every database to another second breaks promises, and a repair mends them all, but for what it tells a
// person.
func TestARestoreIsRepaired(t *testing.T) {
	s, err := stack.Start(t.Context(), drill.Stack)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	r, err := drill.Run(t.Context(), s, drill.Options{Seed: 1, Orders: 120, For: 6 * time.Second, Wait: time.Minute, Tell: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, v := range r.Found {
		found += len(v.Violations)
	}
	t.Logf("%+v; %d violations, %d repairs, %d for a person", r.Restored, found, len(r.Repaired), len(r.Person))
	if found == 0 {
		t.Error("the restore broke nothing: nothing was rehearsed")
	}
	for _, b := range r.Broken() {
		t.Error(b)
	}
}

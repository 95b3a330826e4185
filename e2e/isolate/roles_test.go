package isolate

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow.dev"
	"orderflow.dev/e2e"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/iam"
	"orderflow.dev/local/stack"
)

// TestEveryRoleIsNeededAndNoneIsMissing has every unit do all that it does, and holds what it was seen to use against its
// file. What is published after a crash, the simulation has seen: see TestRolesAreWhatEachUnitWasSeenToDo there.
func TestEveryRoleIsNeededAndNoneIsMissing(t *testing.T) {
	for name, value := range map[string]string{"IMPORT_RATE": "0", "IMPORT_BUDGET": "1ms", "UPLOAD_GRACE": "3s"} {
		t.Setenv(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	s, err := stack.Start(ctx, stack.Options{
		Isolate: true, SweepEvery: time.Second, OrderExpiry: 20 * time.Second, SagaPatience: 5 * time.Second, JournalGrace: time.Second,
		ProviderTimeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := e2e.LoadCatalogue(ctx, s.Endpoints, e2e.Catalogue, nil); err != nil {
		t.Fatal(err)
	}
	var missing []string
	for round := range 3 { // who comes first to what two units do is chance
		if err := everything(ctx, s, round); err != nil {
			t.Fatal(err)
		}
		if missing = awaitUse(t, s, 10*time.Second); len(missing) == 0 {
			break
		}
		t.Logf("after round %d: %s", round, missing)
	}
	for _, m := range missing {
		t.Errorf("%s, and nobody saw it need that", m)
	}
	nothingDenied(t, s)
}

// nothingDenied holds that every unit has the roles that it needed.
func nothingDenied(t *testing.T, s *stack.Stack) {
	t.Helper()
	for _, d := range s.Denied() {
		t.Error(d)
	}
}

// awaitUse waits until everything that files grant was used, at most so long, and answers what was not.
func awaitUse(t *testing.T, s *stack.Stack, patience time.Duration) (missing []string) {
	t.Helper()
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		t.Fatal(err)
	}
	points, err := os.ReadFile("../simulation/testdata/points.txt")
	if err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		missing = nil
		for _, u := range units {
			used := s.Used(u.Name)
			for _, g := range iam.Declared(u) {
				simulated := g.Key == "publishes" && strings.Contains(string(points), "\t"+u.Name+": after publish "+g.Name+"\n")
				if !slices.Contains(used, g) && !simulated {
					missing = append(missing, fmt.Sprintf("%s has `%s`", u.Dir, g))
				}
			}
		}
		if len(missing) == 0 || time.Now().After(until) {
			return missing
		}
	}
}

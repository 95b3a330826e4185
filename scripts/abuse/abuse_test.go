package main

import (
	"os"
	"testing"
	"time"

	"orderflow.dev/local/stack"
)

func TestMain(m *testing.M) {
	stack.BeUnit()
	beGateway()
	os.Exit(m.Run())
}

// TestNoAttackHurtsAnotherCustomer is the command, shorter: nothing here is about times, nor, since the race detector has its
// own, about memory.
func TestNoAttackHurtsAnotherCustomer(t *testing.T) {
	w, err := open(t.Context(), options{during: 200 * time.Millisecond, rate: 200})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	t.Run("attacks", func(t *testing.T) {
		for _, a := range attacks {
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				r, err := w.attack(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				r.bound = 0
				for _, f := range faultsOf([]row{r}) {
					t.Error(f)
				}
			})
		}
	})
	broken, err := w.check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}

// TestWhatDidNotHoldIsSaid: the command must not be able to pass whatever it sees.
func TestWhatDidNotHoldIsSaid(t *testing.T) {
	t.Parallel()
	good := row{answers: map[string]int{"400": 1}, after: memory{most: 10}, bound: 20}
	for name, c := range map[string]struct {
		spoil func(*row)
		want  int
	}{
		"all well":                {func(*row) {}, 0},
		"memory":                  {func(r *row) { r.after.most = 30 }, 1},
		"an answer of no problem": {func(r *row) { r.unclear = map[string]string{"400": "Bad Request"} }, 1},
		"no answer at all":        {func(r *row) { r.answers = nil }, 1},
		"another was refused":     {func(r *row) { r.other.refused = []string{"429"} }, 1},
	} {
		r := good
		c.spoil(&r)
		if got := faultsOf([]row{r}); len(got) != c.want {
			t.Errorf("%s: %q, want %d faults", name, got, c.want)
		}
	}
}

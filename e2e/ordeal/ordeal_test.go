package ordeal_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow.dev/e2e/ordeal"
	"orderflow.dev/local/chaos"
	"orderflow.dev/local/stack"
)

func TestMain(m *testing.M) {
	stack.BeUnit()
	os.Exit(m.Run())
}

var (
	seed   = flag.Uint64("seed", 0, "chooses what goes wrong (default: a fresh one, logged)")
	orders = flag.Int("orders", 400, "how many are placed")
)

// TestEveryPromiseHoldsThoughEverythingGoesWrong is the short version of `orderflow chaos`.
func TestEveryPromiseHoldsThoughEverythingGoesWrong(t *testing.T) {
	if *seed == 0 {
		*seed = uint64(rand.Uint32())
	}
	t.Logf("seed %d", *seed)
	r, err := ordeal.Run(t.Context(), ordeal.Options{Seed: *seed, Orders: *orders, Clocks: true, Steps: func(what string) { t.Log(what) }})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	r.Print(&table)
	t.Logf("\n%s", table.String())
	for _, v := range r.Violations {
		t.Error(v)
	}
	for _, kind := range []string{"Firestore", "publish", "execution", "service call", "saga", "deliver", "provider:", "webhook", "SIGKILL", "process's clock"} {
		if !slices.ContainsFunc(r.Faults, func(c chaos.Count) bool { return strings.HasPrefix(string(c.Class), kind) && c.Fired > 0 }) {
			t.Errorf("nothing went wrong of the kind %s: that proves nothing", kind)
		}
	}
	if r.Backwards == 0 {
		t.Error("no event is dated before the one before it: no clock was wrong")
	}
	if n := len(r.Finish); n != *orders {
		t.Errorf("%d orders ended, want %d", n, *orders)
	}
}

package simulation

import (
	"flag"
	"fmt"
	"io"
	"orderflow.dev/internal/platform/telemetry"
	"os"
	"slices"
	"strings"
	"testing"
)

var seed = flag.Uint64("seed", 0, "the seed of the first run; 0: a fresh one")
var orders = flag.Int("orders", 100, "orders a run")

func TestMain(m *testing.M) {
	os.Setenv("LOG_LEVEL", "ERROR+8")
	telemetry.SetOutput(io.Discard)
	os.Exit(m.Run())
}

func TestOne(t *testing.T) {
	o := run(t, plan{seed: *seed, orders: *orders})
	broken, ids := o.violations()
	t.Log(o.endings(), o.elapsed, o.counts())
	for _, b := range broken {
		t.Error(b)
	}
	for _, id := range ids {
		t.Log("\n" + o.story(id))
		break
	}
}

func TestTwice(t *testing.T) {
	dump := func() string {
		o := run(t, plan{seed: *seed, orders: *orders})
		var all []string
		for id, ls := range o.timeline {
			for _, l := range ls {
				all = append(all, fmt.Sprintf("%15d %s %s %s", l.at.Nanoseconds(), id, l.who, l.what))
			}
		}
		slices.Sort(all)
		return strings.Join(all, "\n")
	}
	a, b := dump(), dump()
	os.WriteFile("/tmp/a.txt", []byte(a), 0o600)
	os.WriteFile("/tmp/b.txt", []byte(b), 0o600)
	if a != b {
		t.Error("differ")
	}
}

package simulation

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/platform/telemetry"
)

var (
	seed   = flag.Uint64("seed", 0, "seed of the first run, the next ones count up; 0: a fresh one")
	orders = flag.Int("orders", 1000, "orders over all runs")
)

// size is how many orders a run has: few enough to be read, enough to be in each other's way.
const size = 50

func TestMain(m *testing.M) {
	os.Setenv("LOG_LEVEL", "ERROR+8")
	telemetry.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// TestPromises runs as many seeds as it takes for so many orders, and prints what they were.
func TestPromises(t *testing.T) {
	first := *seed
	if first == 0 {
		first = 1 + rand.Uint64N(1_000_000_000)
	}
	total := newTally()
	points := known(t)
	t.Run("runs", func(t *testing.T) {
		for n := range max(1, *orders/size) {
			p := plan{seed: first + uint64(n), orders: size}
			t.Run(fmt.Sprint("seed=", p.seed), func(t *testing.T) {
				t.Parallel()
				o := run(t, p)
				total.add(o)
				tell(t, o)
			})
		}
	})
	for label := range total.points {
		if _, ok := points[label]; !ok {
			t.Errorf("%q is a point of which %s does not know: go test ./e2e/simulation -run Point -update", label, pointsFile)
		}
	}
	t.Logf("seeds %d to %d\n%s", first, first+uint64(total.runs-1), total)
}

// tell reports what a run broke: shrunk, with the story of the first order that it broke a promise to.
func tell(t *testing.T, o outcome) {
	t.Helper()
	broken, _ := o.violations()
	if len(broken) == 0 {
		return
	}
	t.Errorf("seed %d breaks promises:\n%s", o.seed, strings.Join(broken, "\n"))
	t.Log(shrunk(t, o.plan).explanation())
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	t.Parallel()
	for n := range 3 {
		p := plan{seed: 77 + uint64(n), orders: size}
		if diff := cmp.Diff(run(t, p).stories(), run(t, p).stories()); diff != "" {
			t.Errorf("seed %d (-first +second):\n%.3000s", p.seed, diff)
		}
	}
}

// stories are all timelines, line by line, as they happened.
func (o outcome) stories() (all []string) {
	for id, lines := range o.timeline {
		for _, l := range lines {
			all = append(all, fmt.Sprintf("%15d %s %s %s", l.at, id, l.who, l.what))
		}
	}
	slices.Sort(all)
	return all
}

// tally is what many runs were.
type tally struct {
	mu       sync.Mutex
	start    time.Time
	runs     int
	endings  map[string]int
	byHand   map[string]int
	virtual  time.Duration
	troubles map[trouble]int
	points   map[string]int
	crashed  map[string]int
	broken   int
}

func newTally() *tally {
	return &tally{start: time.Now(), endings: map[string]int{}, byHand: map[string]int{}, troubles: map[trouble]int{}, points: map[string]int{}, crashed: map[string]int{}}
}

func (a *tally) add(o outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runs++
	a.virtual += o.elapsed
	for _, counts := range []struct{ to, from map[string]int }{{a.endings, o.endings()}, {a.byHand, o.byHand()}, {a.points, o.points}, {a.crashed, o.crashed}} {
		for k, n := range counts.from {
			counts.to[k] += n
		}
	}
	for k, n := range o.counts() {
		a.troubles[k] += n
	}
	broken, _ := o.violations()
	a.broken += len(broken)
}

func (a *tally) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	placed, took := 0, time.Since(a.start)
	for _, n := range a.endings {
		placed += n
	}
	fmt.Fprintf(w, "%d\truns\t%s of virtual time\t\n", a.runs, a.virtual.Round(time.Hour))
	fmt.Fprintf(w, "%d\torders\t%.0f a second\t\n", placed, float64(placed)/took.Seconds())
	for _, k := range slices.Sorted(maps.Keys(a.endings)) {
		fmt.Fprintf(w, "%d\t%s\t\t\n", a.endings[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(a.byHand)) {
		fmt.Fprintf(w, "%d\t%s\t\t\n", a.byHand[k], k)
	}
	fmt.Fprintf(w, "%d of %d\tlabelled points died at\t\t\n", len(a.crashed), len(a.points))
	fmt.Fprintf(w, "%d\tviolations\t\t\n", a.broken)
	w.Flush()
	b.WriteByte('\n')
	for _, f := range troubles {
		fmt.Fprintf(&b, "%9d  %s\n", a.troubles[f], f)
	}
	return b.String()
}

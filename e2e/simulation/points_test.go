package simulation

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "look for the points where a process may die, and write testdata/points.txt")

const pointsFile = "testdata/points.txt"

// where is a run that comes to a labelled point.
type where struct {
	seed  uint64
	times int // that it comes there
}

// small is how many orders the runs have in which a process dies at a given point.
const small = 10

// TestEveryPointCanBeDiedAt has a process die at each labelled point: before and after everything that leaves a mark
// outside of it.
func TestEveryPointCanBeDiedAt(t *testing.T) {
	t.Parallel()
	points := known(t)
	t.Run("points", func(t *testing.T) {
		for label, w := range points {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				o := run(t, plan{seed: w.seed, orders: small, die: label, dieAt: (w.times + 1) / 2})
				if o.crashed[label] == 0 {
					t.Errorf("seed %d does not come there any more: go test ./e2e/simulation -run Point -update", w.seed)
				}
				tell(t, o)
			})
		}
	})
	t.Logf("a process died at each of %d labelled points", len(points))
}

// known are the points of the file; with -update, those that are found now.
func known(t *testing.T) map[string]where {
	t.Helper()
	if *update {
		write(t, find(t))
	}
	f, err := os.Open(pointsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	points := map[string]where{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var w where
		numbers, label, _ := strings.Cut(lines.Text(), "\t")
		if _, err := fmt.Sscan(numbers, &w.seed, &w.times); err != nil {
			t.Fatalf("%s: %q: %v", pointsFile, lines.Text(), err)
		}
		points[label] = w
	}
	return points
}

func write(t *testing.T, points map[string]where) {
	t.Helper()
	var b strings.Builder
	for _, label := range slices.Sorted(maps.Keys(points)) {
		fmt.Fprintf(&b, "%d %d\t%s\n", points[label].seed, points[label].times, label)
	}
	if err := os.WriteFile(pointsFile, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// find runs seeds and keeps, of each point, a run that comes there: the one that does most often, to have a choice.
func find(t *testing.T) map[string]where {
	t.Helper()
	var mu sync.Mutex
	points := map[string]where{}
	t.Run("find", func(t *testing.T) {
		for seed := range uint64(2500) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				o := run(t, plan{seed: seed, orders: small})
				mu.Lock()
				defer mu.Unlock()
				for label, n := range o.points {
					if best := points[label]; n > best.times || n == best.times && seed < best.seed {
						points[label] = where{seed, n}
					}
				}
			})
		}
	})
	return points
}

package stack

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// victims are the first n that a seed chooses.
func victims(keys []string, seed uint64, n int) (chosen []string) {
	chance := rand.New(rand.NewPCG(seed, 0))
	for i := range n {
		chosen = append(chosen, victim(keys, i, chance))
	}
	return chosen
}

func TestEachIsKilledInTurnThenAnyAsTheSeedSays(t *testing.T) {
	t.Parallel()
	keys := []string{"a", "b", "c", "d", "e"}
	one := victims(keys, 1, 50)
	if diff := cmp.Diff(keys, one[:5]); diff != "" {
		t.Errorf("the first five (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(one, victims(keys, 1, 50)); diff != "" {
		t.Errorf("the same seed chooses others (-first +second):\n%s", diff)
	}
	if cmp.Equal(one, victims(keys, 2, 50)) {
		t.Error("another seed chooses the same")
	}
	for _, k := range keys {
		if !strings.Contains(strings.Join(one[5:], ""), k) {
			t.Errorf("%s is never chosen of 45", k)
		}
	}
}

func TestKillsAreATable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	Kills{"payment": 2, "inventory": 11, "place-order": 0}.Print(&out)
	const want = `process      killed
inventory    11
payment      2
place-order  0
all          13
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestAKillerNeedsProcesses(t *testing.T) {
	t.Parallel()
	if _, err := (Killer{}).Run(t.Context(), &Stack{}); err == nil {
		t.Error("a stack in one process is killed")
	}
}

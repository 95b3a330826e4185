package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"text/tabwriter"
	"time"
)

// Killer kills the processes of an isolated stack (SIGKILL), one after the other: each in turn first, then any.
type Killer struct {
	Every  time.Duration                        // between two kills, on average; 0: the next once the last process is back
	Seed   uint64                               // the same seed chooses the same processes and pauses
	Killed func(key string, back time.Duration) // told of each process that was killed, and how soon it was back; may be nil
}

// backWithin is how long a process may take to be back before that is an error of its own.
const backWithin = time.Minute

// Run kills until ctx ends, and says how often each process was killed.
func (k Killer) Run(ctx context.Context, s *Stack) (Kills, error) {
	keys := s.Processes()
	if len(keys) == 0 {
		return nil, errors.New("there is no process to kill: only an isolated stack has some")
	}
	kills := Kills{}
	for _, key := range keys {
		kills[key] = 0
	}
	chance := rand.New(rand.NewPCG(k.Seed, 0))
	for n := 0; k.pause(ctx, chance); n++ {
		key := victim(keys, n, chance)
		kills[key]++
		if err := k.kill(ctx, s, key); err != nil && ctx.Err() == nil {
			return kills, err
		}
	}
	return kills, nil
}

// pause waits, for an even chance of any moment, between nothing and twice Every; false if ctx ends before that.
func (k Killer) pause(ctx context.Context, chance *rand.Rand) bool {
	select {
	case <-time.After(time.Duration(2 * chance.Float64() * float64(k.Every))):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func victim(keys []string, n int, chance *rand.Rand) string {
	if n < len(keys) {
		return keys[n]
	}
	return keys[chance.IntN(len(keys))]
}

func (k Killer) kill(ctx context.Context, s *Stack, key string) error {
	ctx, cancel := context.WithTimeout(ctx, backWithin)
	defer cancel()
	start := time.Now()
	if err := s.Kill(ctx, key); err != nil {
		return fmt.Errorf("kill %s: %w", key, err)
	}
	if k.Killed != nil {
		k.Killed(key, time.Since(start))
	}
	return nil
}

// Kills is how often each process was killed.
type Kills map[string]int

// Print prints a table.
func (k Kills) Print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "process\tkilled")
	all := 0
	for _, key := range slices.Sorted(maps.Keys(k)) {
		fmt.Fprintf(t, "%s\t%d\n", key, k[key])
		all += k[key]
	}
	fmt.Fprintf(t, "all\t%d\n", all)
	t.Flush()
}

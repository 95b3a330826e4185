// Command compare does the same work, by the same official clients, on the embedded cloud and on Google's emulators, in
// one run on one machine, and prints what each took as a table.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"orderflow.dev/local/cloud"
)

const usage = `compare measures the embedded Firestore and Pub/Sub beside Google's emulators, and the local Cloud Storage beside
copying the file. Both take turns, so that what else the machine does falls on both.

Examples:
  go run ./scripts/compare
  go run ./scripts/compare -for 10s -rounds 3
  go run ./scripts/compare -only query -upload 0
`

func main() {
	log.SetFlags(0)
	log.SetPrefix("compare: ")
	var (
		o    options
		only = flag.String("only", "", "only work whose name has this in it")
		mb   = flag.Int64("upload", 1000, "megabytes to upload; 0: none")
	)
	flag.DurationVar(&o.during, "for", 4*time.Second, "how long each kind of work lasts, each round")
	flag.IntVar(&o.rounds, "rounds", 2, "how often each takes its turn; the best is kept")
	flag.IntVar(&o.documents, "documents", 20_000, "documents of the collection that is queried and listened to")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, *only, *mb<<20); err != nil {
		log.Fatal(err)
	}
}

type options struct {
	during    time.Duration
	rounds    int
	documents int
}

// run uploads first: the most memory that this process ever had is the upload's then.
func run(ctx context.Context, o options, only string, upload int64) error {
	if upload > 0 {
		if err := compareUpload(ctx, upload); err != nil {
			return err
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(works), func(w work) bool { return !strings.Contains(w.name, only) })
	if len(chosen) == 0 {
		return nil
	}
	sides, err := open(ctx, o)
	for _, s := range sides {
		defer s.close()
	}
	if err != nil {
		return err
	}
	return compare(ctx, o, chosen, sides)
}

// open starts both clouds and fills their collections.
func open(ctx context.Context, o options) (sides []*side, err error) {
	for _, kind := range []string{cloud.Google, cloud.Embedded} {
		s, err := openSide(ctx, kind)
		if err != nil {
			return sides, err
		}
		sides = append(sides, s)
		log.Printf("%s: writing %d documents", kind, o.documents)
		if err := s.fill(ctx, o.documents); err != nil {
			return sides, err
		}
	}
	return sides, nil
}

// compare has both sides do all work in turns, and prints a row for each.
func compare(ctx context.Context, o options, chosen []work, sides []*side) error {
	fmt.Println("| work | in | Google's emulator | embedded | times |\n|---|---|---:|---:|---:|")
	for _, w := range chosen {
		best := make([]float64, len(sides))
		for range o.rounds {
			for i, s := range sides {
				got, err := w.do(ctx, s, o.during)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.kind, w.name, err)
				}
				if best[i] == 0 || w.better(got, best[i]) {
					best[i] = got
				}
			}
		}
		times := best[1] / best[0]
		if w.unit == milliseconds {
			times = best[0] / best[1]
		}
		fmt.Printf("| %s | %s | %s | %s | %.1f |\n", w.name, w.unit, number(best[0]), number(best[1]), times)
	}
	return nil
}

// better: of times the least, of rates the most. What else the machine does makes both only worse.
func (w work) better(a, b float64) bool {
	if w.unit == milliseconds {
		return a < b
	}
	return a > b
}

func number(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// Command abuse attacks a stack of its own in every way that its doors know of, while another customer goes on ordering, and
// prints what each attack got, what memory it cost, and what the other customer noticed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"orderflow.dev/local/stack"
)

const usage = `abuse starts a stack with a process for each function and service, and a gateway in a process of its own. It measures
what a customer's orders take alone, then attacks in one way after the other while that customer goes on ordering, and prints
a table: what the attack got, the most memory that the attacked process had, and the other customer's times.

It exits 1 if a process took more memory than its unit is given, if an answer does not say what is wrong, if the other
customer was refused, or if a promise is broken at the end. Times are printed and not judged: attackers, servers and the
other customer share this machine. Memory is known on Linux only.

Examples:
  go run ./scripts/abuse
  go run ./scripts/abuse -only token            # attacks whose name has this in it
  go run ./scripts/abuse -for 10s -rate 2000
  go run ./scripts/abuse -list
`

type options struct {
	during time.Duration
	rate   float64 // requests a second of an attack that is a flood
	only   string
}

func main() {
	stack.BeUnit()
	beGateway()
	log.SetFlags(0)
	log.SetPrefix("abuse: ")
	var (
		o    options
		list = flag.Bool("list", false, "say which attacks there are")
	)
	flag.DurationVar(&o.during, "for", 5*time.Second, "how long each attack lasts")
	flag.Float64Var(&o.rate, "rate", 1000, "requests a second of the attacks that are floods")
	flag.StringVar(&o.only, "only", "", "only attacks whose name has this in it")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if *list {
		for _, a := range attacks {
			fmt.Printf("%-32s %s\n", a.name, a.process)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		stop()
		log.Fatal(err)
	}
}

var began = time.Now()

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1fs  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
}

func run(ctx context.Context, o options) error {
	w, err := open(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	say("a stack is up; a customer orders alone for %s", o.during)
	alone := w.order(ctx, o.during)
	rows := []row{}
	for _, a := range attacks {
		if !strings.Contains(a.name, o.only) || ctx.Err() != nil {
			continue
		}
		say("%s", a.name)
		r, err := w.attack(ctx, a)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		rows = append(rows, r)
	}
	show(os.Stdout, alone, rows)
	say("waiting for every order to end, and checking every promise")
	broken, err := w.check(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\nafter it all: %d orders, %d promises broken\n", w.orders, len(broken))
	faults := append(faultsOf(rows), broken...)
	if len(faults) > 0 {
		return errors.New("not all held:\n  " + strings.Join(faults, "\n  "))
	}
	return ctx.Err()
}

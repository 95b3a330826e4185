// Command firstorder measures how long it takes from starting `orderflow up` to the first order that it accepts, and what
// memory the process has then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"orderflow.dev/e2e"
	orderv1 "orderflow.dev/gen/orderflow/order/v1"
	"orderflow.dev/local/child"
	"orderflow.dev/local/stack"
)

const usage = `firstorder builds the command, starts "orderflow up" again and again, and measures from the start of the process to the
answer to the first order that is accepted, and the memory (RSS) that the process has then.

Examples:
  go run ./scripts/firstorder
  go run ./scripts/firstorder -n 3 --emulators google
`

func main() {
	log.SetFlags(0)
	log.SetPrefix("firstorder: ")
	n := flag.Int("n", 10, "how often")
	emulators := flag.String("emulators", "embedded", "embedded or google")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *n, *emulators); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, n int, emulators string) error {
	dir, err := os.MkdirTemp("", "firstorder-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// Running stacks of this user are found by a file in the cache: these get one of their own.
	os.Setenv("XDG_CACHE_HOME", dir)
	program := filepath.Join(dir, "bin", "orderflow")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/orderflow")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	var took []time.Duration
	var memory []int
	for range n {
		t, kb, err := once(ctx, program, emulators)
		if err != nil {
			return err
		}
		fmt.Printf("%5d ms  %3d MB\n", t.Milliseconds(), kb>>10)
		took, memory = append(took, t), append(memory, kb)
	}
	slices.Sort(took)
	slices.Sort(memory)
	fmt.Printf("median of %d: %d ms from the start of the process to the first accepted order, %d MB of memory then\n",
		n, took[n/2].Milliseconds(), memory[n/2]>>10)
	return nil
}

// once starts a stack, orders, and stops it.
func once(ctx context.Context, program, emulators string) (took time.Duration, kb int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "up", "--quiet", "--emulators", emulators)
	cmd.Stderr = os.Stderr
	began := time.Now()
	ended, err := child.Start(cmd)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGINT)
		<-ended
	}()
	if err := order(ctx, cmd.Process.Pid); err != nil {
		return 0, 0, err
	}
	return time.Since(began), residentKB(cmd.Process.Pid), nil
}

// order tries until the stack of that process accepts an order.
func order(ctx context.Context, pid int) error {
	for {
		err := errors.New("it is not up")
		if e, notUp := stack.Running(); notUp == nil && e.PID == pid {
			if err = tryOrder(ctx, e); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no order was accepted: %w", err)
		case <-time.After(time.Millisecond):
		}
	}
}

func tryOrder(ctx context.Context, e stack.Endpoints) error {
	token, err := stack.Token(ctx, e, "first")
	if err != nil {
		return err
	}
	lines := []*orderv1.RequestedLine{{Sku: e2e.Plenty, Quantity: 1}}
	_, err = e2e.Customer{Gateway: e.Gateway, Token: token}.Place(ctx, "first", &orderv1.PlaceOrderRequest{Lines: lines, PaymentMethod: "pm_approve"})
	return err
}

// residentKB is the memory of a process, where the system tells; 0 where not.
func residentKB(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kb, _ := strconv.Atoi(fields[0])
	return kb
}

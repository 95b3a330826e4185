package wal

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"orderflow.dev/local/child"
)

// childDir, in the environment, makes this program a child that is to be killed.
const childDir = "WAL_TEST_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeUntilKilled says each number once it is durable.
func writeUntilKilled(dir string) error {
	l, err := Open(dir)
	if err != nil {
		return err
	}
	l.limits.growth = 10_000
	var shared sequence
	c := cloud{l, []*set{newSet(l, "a", &shared), newSet(l, "b", &shared)}}
	if err := l.Recover(); err != nil {
		return err
	}
	shared.last = uint64(len(c.all()))
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			s := c.sets[i%2]
			for {
				n, at := s.add(100)
				if err := s.stream.Wait(l.ctx, at); err != nil {
					return
				}
				fmt.Println(n)
			}
		})
	}
	writers.Wait()
	return <-l.Failed()
}

func TestKillNineLosesNothingThatWasSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 6 {
		said := killed(t, dir, 200+300*round)
		c := recovered(t, dir)
		got := prefix(t, c.all())
		for _, n := range said {
			if n > got {
				t.Fatalf("round %d: %d numbers are there, but %d was said", round, got, n)
			}
		}
		c.mustClose(t)
	}
}

// killed runs a child until it has said so much, kills it, and answers all it said.
func killed(t *testing.T, dir string, enough int) (said []uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = w
	ended, err := child.Start(cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, err := strconv.ParseUint(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if said = append(said, n); len(said) == enough {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	<-ended
	if len(said) < enough {
		t.Fatalf("the child ended after %d numbers", len(said))
	}
	return said
}

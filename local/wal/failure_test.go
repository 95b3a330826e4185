package wal

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	release := make(chan struct{})
	c.sync = func(*os.File) error { <-release; return nil }
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	_, at := c.sets[0].add(0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.sets[0].stream.Wait(ctx, at); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want that its context was cancelled", err)
	}
	close(release)
	if err := c.sets[0].stream.Wait(t.Context(), at); err != nil {
		t.Error(err)
	}
}

func TestAClosedLogTakesNothing(t *testing.T) {
	t.Parallel()
	c := recovered(t, t.TempDir())
	c.mustClose(t)
	_, at := c.sets[0].add(0)
	if err := c.sets[0].stream.Wait(t.Context(), at); !errors.Is(err, ErrClosed) {
		t.Errorf("Wait = %v, want ErrClosed", err)
	}
}

func TestALogThatFailedFailsForGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir)
	full := errors.New("no space left")
	var syncs int
	c.sync = func(f *os.File) error {
		if syncs++; syncs == 2 {
			return full
		}
		return syncData(f)
	}
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	c.mustAdd(t, 0, 0)
	for range 3 {
		_, at := c.sets[1].add(0)
		if err := c.sets[1].stream.Wait(t.Context(), at); !errors.Is(err, full) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Wait = %v, want %v and the folder", err, full)
		}
	}
	if err := <-c.Failed(); !errors.Is(err, full) {
		t.Errorf("Failed tells %v", err)
	}
	if err := c.Close(); !errors.Is(err, full) {
		t.Errorf("Close = %v", err)
	}
	if got := prefix(t, recovered(t, dir).all()); got < 1 {
		t.Error("what was acknowledged is gone")
	}
}

func TestAPartThatCannotBeSnapshotFailsTheLog(t *testing.T) {
	t.Parallel()
	l, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.limits.growth = 10
	s := l.Attach("broken", broken{})
	if err := l.Recover(); err != nil {
		t.Fatal(err)
	}
	s.Append(make([]byte, 100))
	if err := <-l.Failed(); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("Failed tells %v", err)
	}
}

var errBroken = errors.New("cannot")

type broken struct{}

func (broken) Replay([]byte) error               { return errBroken }
func (broken) Snapshot(func([]byte) error) error { return errBroken }

func TestASnapshotIsDueWhenTheLogGrewByItsSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := recovered(t, dir)
	for range 100 {
		c.mustAdd(t, 0, 0)
	}
	if err := c.snapshot(); err != nil {
		t.Fatal(err)
	}
	for life := range 3 { // what is due does not depend on who took the snapshot
		c.mu.Lock()
		c.limits.growth = 1
		if due := c.due(); due != (life == 2) {
			t.Errorf("life %d: %d bytes after a snapshot of %d, due: %v", life, c.durable-c.snapshotAt, c.snapshotSize, due)
		}
		c.limits.growth = 1 << 20 // not by itself
		c.mu.Unlock()
		for range 51 {
			c.mustAdd(t, 0, 0)
		}
		c.mustClose(t)
		c = recovered(t, dir)
	}
}

func TestALogThatFailsWhileItWritesEndsOnce(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	entered, release := make(chan struct{}), make(chan struct{})
	c.sync = func(*os.File) error {
		close(entered)
		<-release
		return nil
	}
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	_, at := c.sets[0].add(0)
	<-entered
	c.fail(errBroken)
	c.fail(errors.New("another"))
	if err := c.sets[0].stream.Wait(t.Context(), at); !errors.Is(err, errBroken) {
		t.Errorf("Wait = %v", err)
	}
	close(release)
	if err := c.Close(); !errors.Is(err, errBroken) {
		t.Errorf("Close = %v", err)
	}
}

func TestMemoryForWhatIsOnItsWayIsBounded(t *testing.T) {
	t.Parallel()
	const size, count = 100, 300
	c := open(t, t.TempDir())
	c.limits.buffer = 1000
	c.sync = func(*os.File) error {
		time.Sleep(time.Millisecond) // appenders run ahead, if they may
		c.mu.Lock()
		defer c.mu.Unlock()
		if n := len(c.gathering.bytes); n > c.limits.buffer+2*size {
			t.Errorf("%d bytes wait, %d may", n, c.limits.buffer)
		}
		return nil
	}
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range count {
				c.sets[i%2].add(size)
			}
		})
	}
	wg.Wait()
	c.mustClose(t)
}

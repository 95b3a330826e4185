package wal

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWhatACrashLeavesIsAPrefixWithAllThatWasAcknowledged runs several writers and snapshots, and looks again and again
// at what a crash would leave: of the process (whatever was written is there) and of the machine (what was not synced
// may be cut anywhere).
func TestWhatACrashLeavesIsAPrefixWithAllThatWasAcknowledged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		for range rapid.IntRange(1, 3).Draw(rt, "lives") {
			dir = live(t, rt, dir)
		}
	})
}

// live runs a log for a while and answers a folder as a crash left it.
func live(t *testing.T, rt *rapid.T, dir string) (crashed string) {
	c := open(t, dir)
	c.limits.growth = rapid.Int64Range(0, 3000).Draw(rt, "growth")
	c.limits.buffer = rapid.IntRange(1, 1000).Draw(rt, "buffer")
	d := disk{synced: map[string]int64{}, delay: rapid.SampledFrom([]time.Duration{0, time.Millisecond}).Draw(rt, "delay")}
	c.sync = d.sync
	if err := c.Recover(); err != nil {
		rt.Fatal(err)
	}
	_ = d.note(c.segment.file) // what is left of an earlier life is on the disk
	c.sets[0].shared.last = prefix(t, c.all())
	size := rapid.IntRange(0, 300).Draw(rt, "size")
	var acknowledged counter
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for i := range rapid.IntRange(1, 4).Draw(rt, "writers") {
		writers.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				number, at := c.sets[n%2].add(size)
				if n%3 == 0 {
					if err := c.sets[n%2].stream.Wait(t.Context(), at); err != nil {
						t.Error(err)
						return
					}
					acknowledged.raise(number)
				}
			}
		})
	}
	for range rapid.IntRange(1, 3).Draw(rt, "crashes") {
		want := acknowledged.value()
		var synced map[string]int64
		crashed = image(t, dir, func() { synced = d.sizes() })
		if rapid.Bool().Draw(rt, "of the machine") {
			cutTail(t, rt, crashed, synced)
		}
		if got := peek(t, crashed); got < want {
			rt.Fatalf("%d numbers are left, %d were acknowledged", got, want)
		}
	}
	close(stop)
	writers.Wait()
	c.mustClose(t)
	if got := peek(t, dir); got != c.sets[0].shared.last {
		rt.Fatalf("after Close %d numbers are left, want %d", got, c.sets[0].shared.last)
	}
	return crashed
}

// peek recovers a copy of a log and says how many numbers it has.
func peek(t *testing.T, dir string) uint64 {
	t.Helper()
	c := recovered(t, image(t, dir, func() {}))
	defer c.mustClose(t)
	return prefix(t, c.all())
}

// counter is the greatest of some numbers.
type counter struct {
	mu sync.Mutex
	n  uint64
}

func (c *counter) raise(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = max(c.n, n)
}

func (c *counter) value() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// disk knows how much of each file a crash of the machine leaves for sure.
type disk struct {
	delay  time.Duration
	mu     sync.Mutex
	synced map[string]int64 // by base name
}

func (d *disk) sync(f *os.File) error {
	time.Sleep(d.delay)
	return d.note(f)
}

func (d *disk) note(f *os.File) error {
	info, err := f.Stat()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced[filepath.Base(f.Name())] = info.Size()
	return err
}

func (d *disk) sizes() map[string]int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.synced)
}

// cutTail cuts the last segment somewhere after what is synced, and leaves nothing or zeros of the batch that it cuts.
func cutTail(t *testing.T, rt *rapid.T, dir string, synced map[string]int64) {
	var last string
	for _, name := range names(t, dir) {
		if strings.HasSuffix(name, segmentSuffix) {
			last = name
		}
	}
	content := read(t, filepath.Join(dir, last))
	at := min(int(synced[last]), len(content))
	at += rapid.IntRange(0, len(content)-at).Draw(rt, "cut")
	left := content[:at:at]
	if rapid.Bool().Draw(rt, "zeros") {
		left = append(left, make([]byte, batchEnd(content, at)-at)...)
	}
	write(t, filepath.Join(dir, last), left)
}

// batchEnd is where the batch ends that a place is in.
func batchEnd(content []byte, at int) (end int) {
	for end < at && end+headerSize <= len(content) {
		h, _ := parseHeader(content[end:])
		end += headerSize + int(h.length)
	}
	return min(max(end, at), len(content))
}

// during is a part that does something while it is asked for a snapshot.
type during func()

func (during) Replay([]byte) error { return nil }

func (d during) Snapshot(func([]byte) error) error {
	d()
	return nil
}

// TestASnapshotDoesNotCountBeforeTheLogHasWhatItTells holds the disk while a snapshot is taken of a change that is only
// about to be written.
func TestASnapshotDoesNotCountBeforeTheLogHasWhatItTells(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir())
	var holding atomic.Bool
	hold := make(chan struct{})
	c.sync = func(f *os.File) error {
		if strings.HasSuffix(f.Name(), segmentSuffix) && holding.Load() {
			<-hold
		}
		return syncData(f)
	}
	c.Attach("c", during(func() {
		holding.Store(true)
		c.sets[0].add(0)
	}))
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- c.snapshot() }()
	select {
	case err := <-done:
		t.Fatalf("the snapshot was done before the log was (%v)", err)
	case <-time.After(50 * time.Millisecond): // a right one never ends, however long we wait
	}
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// FuzzRecover gives hostile files to Recover: it answers an error or a log that works, and is the same when asked again.
func FuzzRecover(f *testing.F) {
	c := recovered(f, f.TempDir())
	c.mustAdd(f, 0, 3)
	c.mustAdd(f, 1, 3)
	log := read(f, filepath.Join(c.dir, first))
	f.Add(log, []byte{})
	f.Add(log[:len(log)-3], []byte{})
	f.Add([]byte{}, log)
	var snapshot bytes.Buffer
	b := newBatch(0, nil)
	b.add("a", numberRecord(1, 0))
	snapshot.Write(b.sealed())
	snapshot.Write(newBatch(b.end, nil).sealed())
	f.Add(log, snapshot.Bytes())
	f.Fuzz(func(t *testing.T, log, snapshot []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, first), log)
		if len(snapshot) > 0 {
			write(t, path(dir, 0, snapshotSuffix), snapshot)
		}
		c := open(t, dir)
		err := c.Recover()
		before := len(c.all())
		if closed := c.Close(); closed != nil {
			t.Fatal(closed)
		}
		again := open(t, dir)
		if errAgain := again.Recover(); (err == nil) != (errAgain == nil) || len(again.all()) != before {
			t.Fatalf("first %v, %d numbers; then %v, %d", err, before, errAgain, len(again.all()))
		}
		again.mustClose(t)
	})
}

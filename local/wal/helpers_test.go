package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// set is a part that keeps numbers, in the order in which they were added. Every set of a log also takes a number of one
// sequence, so that the sets together tell the order of the log.
type set struct {
	stream *Stream
	shared *sequence
	mu     sync.Mutex
	has    map[uint64]bool
}

// sequence gives out numbers in the order of the log.
type sequence struct {
	mu   sync.Mutex
	last uint64
}

func newSet(l *Log, name string, shared *sequence) *set {
	s := &set{shared: shared, has: map[uint64]bool{}}
	s.stream = l.Attach(name, s)
	return s
}

// add adds the next number, in a record of at least some size.
func (s *set) add(size int) (uint64, Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.shared.last++
	n := s.shared.last
	s.has[n] = true
	return n, s.stream.Append(numberRecord(n, size))
}

func numberRecord(n uint64, size int) []byte {
	return append(binary.BigEndian.AppendUint64(nil, n), bytes.Repeat([]byte{byte(n)}, size)...)
}

func (s *set) Replay(record []byte) error {
	if len(record) < 8 {
		return errors.New("no number")
	}
	s.has[binary.BigEndian.Uint64(record)] = true
	return nil
}

func (s *set) Snapshot(emit func([]byte) error) error {
	s.mu.Lock()
	numbers := sorted(s.has)
	s.mu.Unlock()
	for _, n := range numbers {
		if err := emit(numberRecord(n, 0)); err != nil {
			return err
		}
	}
	return nil
}

func sorted(has map[uint64]bool) (numbers []uint64) {
	for n := range has {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// cloud is a log with two parts.
type cloud struct {
	*Log
	sets []*set
}

// open opens a log with two parts, but does not recover it.
func open(t testing.TB, dir string) cloud {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // again, mostly
	var shared sequence
	return cloud{l, []*set{newSet(l, "a", &shared), newSet(l, "b", &shared)}}
}

func recovered(t testing.TB, dir string) cloud {
	t.Helper()
	c := open(t, dir)
	if err := c.Recover(); err != nil {
		t.Fatal(err)
	}
	c.sets[0].shared.last = uint64(len(c.all()))
	return c
}

// all are the numbers of both parts.
func (c cloud) all() []uint64 {
	both := map[uint64]bool{}
	for _, s := range c.sets {
		s.mu.Lock()
		for n := range s.has {
			both[n] = true
		}
		s.mu.Unlock()
	}
	return sorted(both)
}

// mustAdd adds a number for good.
func (c cloud) mustAdd(t testing.TB, part, size int) {
	t.Helper()
	_, at := c.sets[part].add(size)
	if err := c.sets[part].stream.Wait(t.Context(), at); err != nil {
		t.Fatal(err)
	}
}

func (c cloud) mustClose(t testing.TB) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// prefix is how many numbers there are, if they are 1, 2, 3, ... without a gap.
func prefix(t testing.TB, numbers []uint64) uint64 {
	t.Helper()
	for i, n := range numbers {
		if n != uint64(i)+1 {
			t.Fatalf("%d is there and %d is not", n, i+1)
		}
	}
	return uint64(len(numbers))
}

// image copies a log's folder as a crash right now would leave it: files come and go, so it links them until they are
// the same before and after, and copies then. Of the last segment it has some beginning. It calls begun when it begins.
func image(t testing.TB, dir string, begun func()) string {
	t.Helper()
	for {
		to := t.TempDir()
		before := names(t, dir)
		begun()
		var err error
		for _, name := range before {
			err = errors.Join(err, os.Link(filepath.Join(dir, name), filepath.Join(to, name)))
		}
		if err != nil || !slices.Equal(before, names(t, dir)) {
			continue
		}
		for _, name := range before {
			content := read(t, filepath.Join(to, name))
			if err := os.Remove(filepath.Join(to, name)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(to, name), content)
		}
		return to
	}
}

func names(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

package wal

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatWasWaitedForIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		c := recovered(t, dir)
		if got := prefix(t, c.all()); got != uint64(2*round) {
			t.Fatalf("round %d begins with %d numbers", round, got)
		}
		c.mustAdd(t, 0, 10)
		c.mustAdd(t, 1, 10)
		c.mustClose(t)
	}
}

func TestCloseWritesWhatNobodyWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := recovered(t, dir)
	for i := range 1000 {
		c.sets[i%2].add(i)
	}
	c.mustClose(t)
	c.mustClose(t)
	if got := prefix(t, recovered(t, dir).all()); got != 1000 {
		t.Errorf("%d numbers, want 1000", got)
	}
}

// texts is a part that keeps its records as they are.
type texts []string

func (p *texts) Replay(record []byte) error {
	*p = append(*p, string(record))
	return nil
}

func (p *texts) Snapshot(emit func([]byte) error) error {
	for _, text := range *p {
		if err := emit([]byte(text)); err != nil {
			return err
		}
	}
	return nil
}

func TestRecordsComeBackAsTheyWereInTheirOrder(t *testing.T) {
	t.Parallel()
	want := texts{"", "a", strings.Repeat("b", 127), strings.Repeat("c", 128), "\x00\xff", strings.Repeat("d", 16<<20), "e"}
	for name, snapshot := range map[string]bool{"from the log": false, "from a snapshot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var before, after texts
			l, s := openTexts(t, dir, &before)
			record := make([]byte, 0, 17<<20)
			for _, text := range want {
				before = append(before, text)
				record = append(record[:0], text...) // the same memory: Append copies
				s.Append(record)
			}
			if snapshot {
				// Without the lock of a real part: nothing changes meanwhile.
				if err := errors.Join(s.Wait(t.Context(), l.appended()), l.snapshot()); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			openTexts(t, dir, &after)
			if diff := cmp.Diff(want, after); diff != "" {
				t.Errorf("records (-want +got):\n%.500s", diff)
			}
		})
	}
}

func openTexts(t *testing.T, dir string, p Part) (*Log, *Stream) {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // again, mostly
	s := l.Attach("texts", p)
	if err := l.Recover(); err != nil {
		t.Fatal(err)
	}
	return l, s
}

func TestWithoutALogNothingIsKeptAndNothingFails(t *testing.T) {
	t.Parallel()
	var l *Log
	s := l.Attach("a", nil)
	if s != nil {
		t.Error("a nil log gave a stream")
	}
	at := s.Append([]byte("x"))
	if err := errors.Join(l.Recover(), s.Wait(t.Context(), at), l.Close()); err != nil {
		t.Error(err)
	}
	select {
	case err := <-l.Failed():
		t.Errorf("failed: %v", err)
	default:
	}
}

func TestTwoDoNotShareAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := recovered(t, dir)
	_, err := Open(dir)
	want := fmt.Sprintf("%s is in use by process %d:", dir, os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the second Open: %v, want %q", err, want)
	}
	c.mustClose(t)
	recovered(t, dir)
}

func TestMistakesOfTheOwnerAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(cloud){
		"append before Recover": func(c cloud) { c.sets[0].stream.Append(nil) },
		"a name twice":          func(c cloud) { c.Attach("a", nil) },
		"a long name":           func(c cloud) { c.Attach(strings.Repeat("x", 256), nil) },
		"attach after Recover": func(c cloud) {
			if err := c.Recover(); err != nil {
				t.Error(err)
			}
			c.Attach("c", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := open(t, t.TempDir())
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			do(c)
		})
	}
	c := recovered(t, t.TempDir())
	if err := c.Recover(); err == nil {
		t.Error("Recover worked twice")
	}
}

func TestARecordLongerThanItsBatchIsNotRead(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]string{
		"name":            "\x05ab",
		"no length":       "\x01a",
		"endless length":  "\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"length cut off":  "\x01a\x80",
		"record":          "\x01a\x03bc",
		"greatest length": "\x01a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01b",
	} {
		if _, _, _, err := cut([]byte(records)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

package wal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var first = fmt.Sprintf("%020d%s", 0, segmentSuffix)

// threeBatches is a folder with three numbers in three batches, and where each begins.
func threeBatches(t *testing.T) (dir string, content []byte, begin []int) {
	t.Helper()
	dir = t.TempDir()
	c := recovered(t, dir)
	for i := range 3 {
		begin = append(begin, len(read(t, filepath.Join(dir, first))))
		c.mustAdd(t, i%2, 20)
	}
	c.mustClose(t)
	return dir, read(t, filepath.Join(dir, first)), begin
}

func TestATailThatBrokeOffIsDropped(t *testing.T) {
	t.Parallel()
	_, content, begin := threeBatches(t)
	tail := begin[2]
	for at := tail; at < len(content); at++ {
		flipped, zeroed := slices.Clone(content), slices.Clone(content)
		flipped[at] ^= 0x40
		clear(zeroed[at:])
		for name, torn := range map[string][]byte{
			"cut":              content[:at],
			"flipped":          flipped,
			"zeros at the end": zeroed,
			"hole":             slices.Concat(content[:tail], make([]byte, at-tail), content[at:]),
		} {
			if string(torn) == string(content) {
				continue
			}
			dir := t.TempDir()
			write(t, filepath.Join(dir, first), torn)
			goesOn(t, fmt.Sprint(name, " at ", at), dir, 2)
		}
	}
}

// goesOn opens a log, finds so many numbers, adds one and finds it in the next round.
func goesOn(t *testing.T, name, dir string, want uint64) {
	t.Helper()
	for range 2 {
		c := recovered(t, dir)
		if got := prefix(t, c.all()); got != want {
			t.Fatalf("%s: %d numbers, want %d", name, got, want)
		}
		c.mustAdd(t, 0, 5)
		c.mustClose(t)
		want++
	}
}

func TestDamageBeforeTheTailIsAnErrorThatSaysWhere(t *testing.T) {
	t.Parallel()
	_, content, begin := threeBatches(t)
	for at := range begin[2] {
		damaged := slices.Clone(content)
		damaged[at] ^= 0x40
		where := begin[0]
		if at >= begin[1] {
			where = begin[1]
		}
		refuses(t, fmt.Sprint("flipped at ", at), map[string][]byte{first: damaged}, first, fmt.Sprintf("at byte %d:", where))
	}
	damaged := slices.Clone(content[:begin[2]+headerSize+1]) // and the tail is cut off
	damaged[begin[2]-1] ^= 1
	refuses(t, "before a torn tail", map[string][]byte{first: damaged}, first, fmt.Sprintf("at byte %d:", begin[1]))
	damaged = slices.Clone(content[:begin[2]+1])
	damaged[begin[2]-1] ^= 1
	refuses(t, "before a torn header", map[string][]byte{first: damaged}, first, fmt.Sprintf("at byte %d:", begin[1]))
	refuses(t, "a batch is gone", map[string][]byte{first: slices.Delete(slices.Clone(content), begin[1], begin[2])},
		first, "is in the place of")
}

func refuses(t *testing.T, name string, files map[string][]byte, want ...string) {
	t.Helper()
	dir := t.TempDir()
	for file, content := range files {
		write(t, filepath.Join(dir, file), content)
	}
	c := open(t, dir)
	err := c.Recover()
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Fatalf("%s: Recover = %v, want %q", name, err, w)
		}
	}
	c.mustClose(t)
	for file, content := range files {
		if string(read(t, filepath.Join(dir, file))) != string(content) {
			t.Errorf("%s: a Recover that failed changed %s", name, file)
		}
	}
}

// rotatedLog is a folder before and after a snapshot, with numbers in the segment after it: 4 numbers before, 2 after.
func rotatedLog(t *testing.T) (before, after map[string][]byte) {
	t.Helper()
	dir := t.TempDir()
	c := recovered(t, dir)
	for i := range 4 {
		c.mustAdd(t, i%2, 20)
	}
	at := c.appended()
	before = map[string][]byte{first: read(t, filepath.Join(dir, first))}
	if err := c.snapshot(); err != nil {
		t.Fatal(err)
	}
	c.mustAdd(t, 0, 20)
	c.mustAdd(t, 1, 20)
	c.mustClose(t)
	after = map[string][]byte{}
	for _, name := range names(t, dir) {
		after[name] = read(t, filepath.Join(dir, name))
	}
	delete(after, "lock")
	if len(after) != 2 || after[filepath.Base(path("", at, snapshotSuffix))] == nil {
		t.Fatalf("after the snapshot there are %v", names(t, dir))
	}
	return before, after
}

// TestACrashAtAnyStepOfASnapshotLosesNothing looks at the folder as it is between two steps of a snapshot.
func TestACrashAtAnyStepOfASnapshotLosesNothing(t *testing.T) {
	t.Parallel()
	before, after := rotatedLog(t)
	var snapshot, segment string
	for name := range after {
		if strings.HasSuffix(name, snapshotSuffix) {
			snapshot = name
		} else {
			segment = name
		}
	}
	type files = map[string][]byte
	old, renewed, whole := before[first], after[segment], after[snapshot]
	for name, tt := range map[string]struct {
		files files
		want  uint64
	}{
		"rotated":              {files{first: old, segment: nil}, 4},
		"rotated, gone on":     {files{first: old, segment: renewed}, 6},
		"a draft begun":        {files{first: old, segment: renewed, snapshot + draftSuffix: whole[:9]}, 6},
		"renamed":              {files{first: old, segment: renewed, snapshot: whole}, 6},
		"renamed, log damaged": {files{first: old[:9], segment: renewed, snapshot: whole}, 6},
		"cleared":              {after, 6},
	} {
		dir := t.TempDir()
		for file, content := range tt.files {
			write(t, filepath.Join(dir, file), content)
		}
		goesOn(t, name, dir, tt.want)
		left := names(t, dir)
		if want := tt.files[snapshot] != nil; slices.Contains(left, first) == want || slices.Contains(left, snapshot+draftSuffix) {
			t.Errorf("%s: %v are left", name, left)
		}
	}
}

func TestWhatIsMissingOrDamagedAroundASnapshotIsAnError(t *testing.T) {
	t.Parallel()
	before, after := rotatedLog(t)
	for name, content := range after {
		other := map[string][]byte{}
		for n, c := range after {
			if n != name {
				other[n] = c
			}
		}
		if strings.HasSuffix(name, segmentSuffix) {
			refuses(t, "the segment is gone", other, name, "is missing")
			continue
		}
		refuses(t, "the snapshot is gone", other, first, "is missing")
		for at := range content {
			flipped := slices.Clone(content)
			flipped[at] ^= 0x40
			other[name] = flipped
			refuses(t, fmt.Sprint("the snapshot is flipped at ", at), other, name, "is damaged")
			other[name] = content[:at]
			refuses(t, fmt.Sprint("the snapshot is cut at ", at), other, name, "is damaged")
		}
	}
	for name, content := range after {
		if strings.HasSuffix(name, segmentSuffix) { // the first segment is not the last: it has no tail that may break off
			refuses(t, "cut before another", map[string][]byte{first: before[first][:30], name: content}, first, "is damaged")
		}
	}
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	refuses(t, "another version", map[string][]byte{strings.Replace(first, "v1", "v2", 1): nil}, "this version does not know")
	_, content, _ := threeBatches(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, first), content)
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Attach("a", &set{has: map[uint64]bool{}})
	if err := l.Recover(); err == nil || !strings.Contains(err.Error(), "records of b") {
		t.Errorf("Recover without part b = %v", err)
	}
}

func TestARecordThatCannotBeReplayedIsAnError(t *testing.T) {
	t.Parallel()
	dir, _, _ := threeBatches(t)
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Attach("a", broken{})
	if err := l.Recover(); err == nil || !strings.Contains(err.Error(), "replay a record of a in") {
		t.Errorf("Recover = %v", err)
	}
}

func TestAStrangersFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir, _, _ := threeBatches(t)
	notes := filepath.Join(dir, "notes.txt")
	write(t, notes, []byte("x"))
	goesOn(t, "with notes", dir, 3)
	if _, err := os.Stat(notes); err != nil {
		t.Error(err)
	}
}

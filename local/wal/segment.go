package wal

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The names of files say the version of their format: another version's are not taken for damage.
const (
	segmentSuffix  = ".v1.log"
	snapshotSuffix = ".v1.snapshot"
	draftSuffix    = ".draft" // of a snapshot
)

// segment is the file that the log grows in.
type segment struct {
	file *os.File
	from Position
}

func (s segment) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// createSegment makes an empty segment that is there after a crash.
func createSegment(dir string, from Position) (segment, error) {
	f, err := os.OpenFile(path(dir, from, segmentSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return segment{}, err
	}
	return segment{f, from}, syncDir(dir)
}

// rotation is where a new segment begins.
type rotation struct {
	from Position
	err  error
}

// nextSegment makes all later batches go to a new segment. Only the flusher may call it: nothing is being written.
func (l *Log) nextSegment() rotation {
	l.mu.Lock()
	at := l.durable
	l.mu.Unlock()
	if at == l.segment.from {
		return rotation{at, nil}
	}
	next, err := createSegment(l.dir, at)
	if err != nil {
		return rotation{at, err}
	}
	err = l.segment.close()
	l.segment = next
	return rotation{at, err}
}

func path(dir string, at Position, suffix string) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", at, suffix))
}

// files are what is in a log's folder.
type files struct {
	segments, snapshots []Position // ascending
	drafts              []string   // paths
}

func list(dir string) (f files, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	for _, e := range entries {
		if err := f.add(dir, e); err != nil {
			return f, err
		}
	}
	slices.Sort(f.segments)
	slices.Sort(f.snapshots)
	return f, nil
}

func (f *files) add(dir string, e fs.DirEntry) error {
	number, suffix, _ := strings.Cut(e.Name(), ".")
	at, err := strconv.ParseInt(number, 10, 64)
	switch suffix = "." + suffix; {
	case strings.HasSuffix(suffix, draftSuffix):
		f.drafts = append(f.drafts, filepath.Join(dir, e.Name()))
	case err != nil: // the lock, or a stranger's
	case suffix == segmentSuffix:
		f.segments = append(f.segments, Position(at))
	case suffix == snapshotSuffix:
		f.snapshots = append(f.snapshots, Position(at))
	default:
		return fmt.Errorf("the log %s holds %s, which this version does not know: use the version that made it, "+
			"or another folder", dir, e.Name())
	}
	return nil
}

// from are the segments at and after a position.
func (f files) from(at Position) []Position {
	i, _ := slices.BinarySearch(f.segments, at)
	return f.segments[i:]
}

// before are the paths of what a snapshot at a position stands for, and of what was never finished.
func (f files) before(dir string, at Position) []string {
	paths := slices.Clone(f.drafts)
	for _, s := range f.segments {
		if s < at {
			paths = append(paths, path(dir, s, segmentSuffix))
		}
	}
	for _, s := range f.snapshots {
		if s < at {
			paths = append(paths, path(dir, s, snapshotSuffix))
		}
	}
	return paths
}

// syncDir makes what was created, renamed or removed in a folder so after a crash.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Package wal is the write-ahead log of the local cloud: one log for all its parts, so that what a crash leaves is a
// prefix of what happened, across all of them. An effect is appended after its cause, so it is never there alone.
//
// A part appends a record under its own lock, as it applies the change in memory, and answers its caller after Wait.
// Many callers share one fsync (group commit). A nil *Log, and the Stream that it gives, keep nothing: memory mode.
//
// In the folder are segments, each named by the position at which it begins, and at most one snapshot, which stands for
// everything before the position that it is named by. A log that grew since its last snapshot by more than the snapshot's
// size (and 64 MiB) is rotated: a new segment begins, the parts write a new snapshot, the segments before it go.
package wal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrClosed is what Wait answers for a record that was appended after Close.
var ErrClosed = errors.New("the log is closed")

// limits are smaller in tests.
type limits struct {
	growth int64 // bytes of log since the last snapshot that are no reason yet for another
	buffer int   // bytes that wait for the disk before Append waits too
}

// Log is an append-only log in a folder.
type Log struct {
	dir     string
	lock    *os.File
	limits  limits
	sync    func(*os.File) error // to the disk
	streams []*Stream            // in the order of Attach; never changed after Recover
	failed  chan error
	wake    chan struct{} // there is something to write
	grown   chan struct{} // a snapshot may be due
	rotate  chan chan<- rotation

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu           sync.Mutex
	room         sync.Cond // the gathering batch has room again
	recovered    bool
	err          error    // why nothing more comes on the disk
	gathering    *batch   // nil until Recover
	writing      *batch   // nil if none is
	spare        []byte   // memory for the next batch
	durable      Position // everything up to it is on the disk
	snapshotAt   Position
	snapshotSize int64
	segment      segment // the flusher's
}

// Part is a part of the cloud that lives in the log.
type Part interface {
	// Replay applies a record, which is the part's to keep. Records come in the order in which they were appended, after
	// those of the part's last snapshot. A snapshot is taken while the part goes on: a record may tell what the snapshot
	// knows already, so what is there already is left as it is, and what is gone already stays gone.
	Replay(record []byte) error
	// Snapshot emits records that make the part's state, if replayed into an empty part. It must not hold the part's lock
	// while it emits more than a few. It returns emit's error at once.
	Snapshot(emit func(record []byte) error) error
}

// Stream is one part's door to the log. A nil Stream keeps nothing.
type Stream struct {
	log  *Log
	name string
	part Part
}

// Position is a place in the log: how many bytes of records were appended before it.
type Position int64

// Open opens the log in a folder, which is made if need be; only one process at a time may have it open.
func Open(dir string) (*Log, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("make the log's folder: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	l := &Log{
		dir: dir, lock: lock, limits: limits{growth: 64 << 20, buffer: 32 << 20}, sync: syncData, failed: make(chan error, 1),
		wake: make(chan struct{}, 1), grown: make(chan struct{}, 1), rotate: make(chan chan<- rotation),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.room.L = &l.mu
	return l, nil
}

// Attach gives a part its stream. All parts are attached before Recover, each by a name of its own of at most 255 bytes; a
// record of a part that is not attached is an error of Recover. On a nil Log it answers a nil Stream.
func (l *Log) Attach(name string, p Part) *Stream {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recovered || len(name) > maxName || l.part(name) != nil {
		panic("wal: Attach of " + name + " after Recover, for the second time or by too long a name")
	}
	s := &Stream{log: l, name: name, part: p}
	l.streams = append(l.streams, s)
	return s
}

func (l *Log) part(name string) Part {
	for _, s := range l.streams {
		if s.name == name {
			return s.part
		}
	}
	return nil
}

// Append adds a record, which it copies. It does no I/O: call it under the lock that orders the part's changes. It waits
// only while 32 MiB of records are on their way to the disk already. It panics before Recover; in a log that failed or is
// closed nothing is kept, and Wait says so.
func (s *Stream) Append(record []byte) Position {
	if s == nil {
		return 0
	}
	return s.log.append(s.name, record)
}

// Wait returns once everything up to a position is on the disk. Its error means that the log failed for good: nothing
// later will be on the disk either; or it is the context's: the record may come on the disk or not.
func (s *Stream) Wait(ctx context.Context, at Position) error {
	if s == nil {
		return nil
	}
	return s.log.wait(ctx, at)
}

// Failed tells, once, that the log failed and why. Its owner ends the program then: memory knows what the disk does not.
func (l *Log) Failed() <-chan error {
	if l == nil {
		return nil
	}
	return l.failed
}

// Close writes what is left and lets go of the folder. Its error is the one that the log failed with, if it did.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.cancel()
	l.workers.Wait()
	l.end(ErrClosed)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lock == nil {
		return nil
	}
	err := errors.Join(l.segment.close(), unlockDir(l.lock))
	l.lock = nil
	if !errors.Is(l.err, ErrClosed) {
		err = errors.Join(l.err, err)
	}
	return err
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

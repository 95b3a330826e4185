package wal

import (
	"errors"
	"fmt"
	"os"
)

const snapshotBatch = 1 << 20 // bytes

// due says that a snapshot is worth its while. The caller holds the lock.
func (l *Log) due() bool {
	return int64(l.durable-l.snapshotAt) > max(l.limits.growth, l.snapshotSize)
}

// snapshotter takes a snapshot whenever one is due.
func (l *Log) snapshotter() {
	for {
		select {
		case <-l.grown:
		case <-l.ctx.Done():
			return
		}
		l.mu.Lock()
		due := l.due() && l.err == nil
		l.mu.Unlock()
		if !due {
			continue
		}
		if err := l.snapshot(); err != nil && l.ctx.Err() == nil {
			l.fail(fmt.Errorf("take a snapshot of the log %s: %w", l.dir, err))
		}
	}
}

// snapshot puts a snapshot in the place of all segments up to now. The parts go on meanwhile, so it tells of some changes
// that were appended after its position: it counts only once these are on the disk too, else a crash could leave an
// effect without its cause.
func (l *Log) snapshot() error {
	at, err := l.rotated()
	if err != nil {
		return err
	}
	draft := path(l.dir, at, snapshotSuffix+draftSuffix)
	size, err := l.writeSnapshot(draft, at)
	if err != nil {
		return errors.Join(err, os.Remove(draft))
	}
	if err := l.wait(l.ctx, l.appended()); err != nil {
		return err
	}
	if err := os.Rename(draft, path(l.dir, at, snapshotSuffix)); err != nil {
		return err
	}
	if err := syncDir(l.dir); err != nil {
		return err
	}
	l.mu.Lock()
	l.snapshotAt, l.snapshotSize = at, size
	l.mu.Unlock()
	return l.discard(at)
}

// rotated is where a new segment began.
func (l *Log) rotated() (Position, error) {
	answer := make(chan rotation, 1)
	select {
	case l.rotate <- answer:
		r := <-answer
		return r.from, r.err
	case <-l.ctx.Done():
		return 0, l.ctx.Err()
	}
}

func (l *Log) appended() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gathering.end
}

func (l *Log) writeSnapshot(draft string, at Position) (size int64, err error) {
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	end, err := l.emit(f, at)
	if err != nil {
		return 0, err
	}
	return int64(end - at), l.sync(f)
}

// emit writes batches of what the parts emit. An empty batch says that it is all.
func (l *Log) emit(f *os.File, at Position) (Position, error) {
	b := newBatch(at, nil)
	write := func() error {
		_, err := f.Write(b.sealed())
		b = newBatch(b.end, b.bytes)
		return err
	}
	for _, s := range l.streams {
		err := s.part.Snapshot(func(record []byte) error {
			b.add(s.name, record)
			if len(b.bytes) < snapshotBatch {
				return nil
			}
			return errors.Join(write(), l.ctx.Err())
		})
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	if !b.empty() {
		if err := write(); err != nil {
			return 0, err
		}
	}
	return b.end, write()
}

// discard removes what a snapshot stands for. What a crash leaves of it, the next Recover removes.
func (l *Log) discard(at Position) error {
	f, err := list(l.dir)
	if err != nil {
		return err
	}
	for _, path := range f.before(l.dir, at) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

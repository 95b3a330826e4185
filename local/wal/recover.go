package wal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Recover replays everything and lets appends begin. A record at the end that broke off with the process is dropped:
// nobody was told of it. Damage anywhere else is an error that says where. It is called once.
func (l *Log) Recover() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	again := l.recovered
	l.recovered = true
	l.mu.Unlock()
	if again {
		return errors.New("recover the log: it was recovered already")
	}
	r := recovery{log: l}
	if err := r.run(); err != nil {
		return fmt.Errorf("recover the log: %w", errors.Join(err, r.segment.close()))
	}
	l.begin(r)
	return nil
}

func (l *Log) begin(r recovery) {
	l.mu.Lock()
	l.segment, l.durable, l.gathering = r.segment, r.at, newBatch(r.at, nil)
	l.snapshotAt, l.snapshotSize = r.snapshotAt, r.snapshotSize
	l.mu.Unlock()
	l.workers.Go(l.flusher)
	l.workers.Go(l.snapshotter)
}

// recovery reads a log: its newest snapshot, then the segments from there on.
type recovery struct {
	log          *Log
	at           Position // what was before it is replayed
	snapshotAt   Position
	snapshotSize int64
	segment      segment // the last one, to go on in
}

func (r *recovery) run() error {
	f, err := list(r.log.dir)
	if err != nil {
		return err
	}
	if n := len(f.snapshots); n > 0 {
		r.snapshotAt = f.snapshots[n-1]
		if err := r.readSnapshot(); err != nil {
			return err
		}
	}
	r.at = r.snapshotAt
	if err := r.readSegments(f.from(r.snapshotAt)); err != nil {
		return err
	}
	return r.log.discard(r.snapshotAt)
}

func (r *recovery) readSnapshot() error {
	in, err := openReader(path(r.log.dir, r.snapshotAt, snapshotSuffix), r.snapshotAt)
	if err != nil {
		return err
	}
	defer in.file.Close()
	for {
		records, err := in.next()
		if errors.Is(err, io.EOF) {
			err = in.damage("it ends too early")
		}
		if err != nil {
			return err
		}
		if len(records) == 0 {
			r.snapshotSize = int64(in.at - r.snapshotAt)
			return nil
		}
		if err := r.replay(in, records); err != nil {
			return err
		}
	}
}

// readSegments replays the segments after the snapshot and leaves the last one open. None is there only in a new log.
func (r *recovery) readSegments(segments []Position) (err error) {
	if len(segments) == 0 && r.at == 0 {
		r.segment, err = createSegment(r.log.dir, 0)
		return err
	}
	for i, from := range segments {
		if from != r.at {
			break
		}
		if err := r.readSegment(from, i == len(segments)-1); err != nil {
			return err
		}
	}
	if r.segment.file == nil {
		return fmt.Errorf("%s is missing: %s", path(r.log.dir, r.at, segmentSuffix), remedy)
	}
	return nil
}

func (r *recovery) readSegment(from Position, last bool) error {
	name := path(r.log.dir, from, segmentSuffix)
	in, err := openReader(name, from)
	if err != nil {
		return err
	}
	defer in.file.Close()
	err = r.readBatches(in)
	if err != nil && (!last || !in.torn(err)) {
		return err
	}
	r.at = in.at
	if !last {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	r.segment = segment{f, from}
	if in.offset == in.size {
		return nil
	}
	return errors.Join(f.Truncate(in.offset), f.Sync())
}

func (r *recovery) readBatches(in *reader) error {
	for {
		records, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.replay(in, records); err != nil {
			return err
		}
	}
}

func (r *recovery) replay(in *reader, records []byte) error {
	for len(records) > 0 {
		name, record, rest, err := cut(records)
		if err != nil {
			return in.damage(err.Error())
		}
		part := r.log.part(string(name))
		if part == nil {
			return fmt.Errorf("%s has records of %s, which is no part of this cloud: use the version that wrote them, "+
				"or another folder", in.file.Name(), name)
		}
		if err := part.Replay(bytes.Clone(record)); err != nil {
			return fmt.Errorf("replay a record of %s in %s, before byte %d: %w", name, in.file.Name(), in.offset, err)
		}
		records = rest
	}
	return nil
}

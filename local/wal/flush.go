package wal

import (
	"context"
	"fmt"
	"math"
	"runtime"
)

// never is the position of a record that is not kept.
const never = Position(math.MaxInt64)

func (l *Log) append(name string, record []byte) Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gathering == nil && l.err == nil {
		panic("wal: Append to " + name + " before Recover")
	}
	for l.err == nil && l.gathering.size() >= l.limits.buffer {
		l.room.Wait()
	}
	if l.err != nil {
		return never
	}
	l.gathering.add(name, record)
	notify(l.wake)
	return l.gathering.end
}

func (l *Log) wait(ctx context.Context, at Position) error {
	for {
		done, err := l.pending(at)
		if done == nil {
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return fmt.Errorf("wait for the log: %w", ctx.Err())
		}
	}
}

// pending is closed when it is time to ask again; it is nil if the answer is there.
func (l *Log) pending(at Position) (<-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case at <= l.durable:
		return nil, nil
	case l.err != nil:
		return nil, l.err
	case l.writing != nil && at <= l.writing.end:
		return l.writing.done, nil
	}
	return l.gathering.done, nil
}

// flusher writes batch after batch: what is appended while one is on its way to the disk is the next.
func (l *Log) flusher() {
	for {
		select {
		case <-l.wake:
			l.flush()
			runtime.Gosched() // who was answered may append again: their records make one batch with those that wait
		case answer := <-l.rotate:
			answer <- l.nextSegment()
		case <-l.ctx.Done():
			l.flush()
			return
		}
	}
}

func (l *Log) flush() {
	b := l.take()
	if b == nil {
		return
	}
	if err := l.write(b); err != nil {
		l.fail(fmt.Errorf("write to the log %s (what was acknowledged is there; make room and start again): %w",
			l.segment.file.Name(), err))
		return
	}
	l.written(b)
}

// take makes what was gathered the batch that is written; nil if there is nothing.
func (l *Log) take() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil || l.gathering.empty() {
		return nil
	}
	l.writing, l.gathering = l.gathering, newBatch(l.gathering.end, l.spare)
	l.spare = nil
	l.room.Broadcast()
	return l.writing
}

func (l *Log) write(b *batch) error {
	if _, err := l.segment.file.Write(b.sealed()); err != nil {
		return err
	}
	return l.sync(l.segment.file)
}

func (l *Log) written(b *batch) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable, l.spare = b.end, b.spare()
	if l.writing != nil { // else the log failed meanwhile, and whoever waits knows
		l.writing = nil
		close(b.done)
	}
	if l.due() {
		notify(l.grown)
	}
}

// fail ends the log with an error that its owner is told of.
func (l *Log) fail(err error) {
	if l.end(err) {
		l.failed <- err
	}
}

// end says why nothing more will be on the disk, if nobody said so before.
func (l *Log) end(err error) (first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return false
	}
	l.err = err
	for _, b := range []*batch{l.gathering, l.writing} {
		if b != nil {
			close(b.done)
		}
	}
	l.writing = nil
	l.room.Broadcast()
	return true
}

// notify leaves word in a channel with room for one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

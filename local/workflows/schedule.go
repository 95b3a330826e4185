package workflows

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// schedule decides which thread of an execution goes on. One works at a time, and gives way only where it waits: for a
// call that blocks, or for the threads of its parallel step. Threads that can go on do so in the order in which they
// became able to; if none can, the call that came back first is told to its thread. So everything an execution does
// follows from what its calls answered and in which order they came back, which is what the journal has, and a single
// assignment of a shared variable is never torn.
type schedule struct {
	mu      sync.Mutex
	forked  int   // parallel steps that have not ended; only the thread that works changes it
	begun   int64 // threads of parallel steps so far
	working int   // threads that are not waiting for those of their parallel step
	pending []*thread
	ready   []*thread
	arrived []*answer
	awaited map[callID]*answer // calls whose answer the journal has, until it is their turn
	free    bool               // nobody works
}

// answer is what a call of a thread answered.
type answer struct {
	thread *thread
	call   *call
	known  bool // from the journal
}

// wait has other threads go on until the call has been answered and it is its thread's turn.
func (s *schedule) wait(t *thread, c, recorded *call, do func() (any, error)) (any, error) {
	a := &answer{thread: t, call: c}
	s.mu.Lock()
	if recorded != nil {
		a.call, a.known = recorded, true
		s.awaited[c.callID] = a
	}
	s.next(t.ex)
	s.mu.Unlock()
	if recorded == nil {
		t.ex.perform(c, do)
		s.mu.Lock()
		s.arrived = append(s.arrived, a)
		if s.free {
			s.next(t.ex)
		}
		s.mu.Unlock()
	}
	<-t.wake
	if recorded != nil && t.ex.ctx.Err() != nil {
		return nil, context.Cause(t.ex.ctx)
	}
	return a.call.value, a.call.failure
}

// next lets the next thread go on; the caller holds the lock and works no more.
func (s *schedule) next(ex *execution) {
	if s.free = false; len(s.ready) > 0 {
		t := s.ready[0]
		s.ready = s.ready[1:]
		t.wake <- struct{}{}
		return
	}
	if a := s.turn(ex); a != nil {
		if !a.known {
			ex.note(a.call)
		}
		a.thread.wake <- struct{}{}
		return
	}
	s.free = true
}

// turn is the answer that is told next: in the order of the journal, as long as it has any.
func (s *schedule) turn(ex *execution) *answer {
	if len(s.awaited) > 0 {
		id, ok := ex.recorded.next()
		a := s.awaited[id]
		if a == nil && ok && ex.ctx.Err() == nil {
			_ = ex.diverged(fmt.Errorf("call %d of thread %q came later than the journal has it", id.Number, id.Thread))
		}
		if a == nil { // the execution ends
			for id, a = range s.awaited {
				break
			}
		}
		delete(s.awaited, id)
		ex.recorded.told(id)
		return a
	}
	if len(s.arrived) == 0 {
		return nil
	}
	a := s.arrived[0]
	s.arrived = s.arrived[1:]
	return a
}

// startPending makes threads ready that waited for a place; the caller holds the lock.
func (s *schedule) startPending() {
	s.pending = slices.DeleteFunc(s.pending, func(t *thread) bool {
		if s.working >= t.ex.limits().Threads || t.group.working >= t.group.limit {
			return false
		}
		s.working++
		t.group.working++
		s.ready = append(s.ready, t)
		s.begun++
		t.number = s.begun
		work(t.ex.clock, 1)
		go t.main()
		return true
	})
}

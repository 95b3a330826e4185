package workflows

import (
	"context"
	"fmt"
	"time"

	"orderflow.dev/local/workflows/expr"
)

// thread is one flow of control of an execution: its main routine, or a branch or iteration of a parallel step.
type thread struct {
	ex     *execution
	id     string // "" is the main one; "2.0" is the first thread of the second parallel step that the main one came to
	number int64  // in the trace
	depth  int    // of parallel steps
	group  *group // nil for the main one
	calls  int    // that were recorded
	forks  int    // parallel steps so far
	wake   chan struct{}
	run    func() // what a thread of a parallel step does
}

// group are the threads of one parallel step.
type group struct {
	parent  *thread
	limit   int // how many work at once
	working int
	left    int // that have not ended
}

// call is a call that blocks, or one that would not answer the same again. What it answers is recorded.
func (t *thread) call(name string, do func() (any, error)) (any, error) {
	t.calls++
	c := &call{callID: callID{t.id, t.calls}, Name: name}
	recorded, err := t.ex.recorded.find(c)
	if err != nil {
		return nil, t.ex.diverged(err)
	}
	if t.ex.schedule.forked > 0 {
		return t.ex.schedule.wait(t, c, recorded, do)
	}
	if recorded != nil {
		t.ex.recorded.told(c.callID)
		return recorded.value, recorded.failure
	}
	t.ex.perform(c, do)
	t.ex.note(c)
	return c.value, c.failure
}

// inline is call for what answers at once, such as the time: no other thread goes on meanwhile.
func (t *thread) inline(name string, do func() (any, error)) (any, error) {
	t.calls++
	c := &call{callID: callID{t.id, t.calls}, Name: name, Inline: true}
	recorded, err := t.ex.recorded.find(c)
	switch {
	case err != nil:
		return nil, t.ex.diverged(err)
	case recorded != nil:
		return recorded.value, recorded.failure
	}
	c.value, c.failure = do()
	t.ex.note(c)
	return c.value, c.failure
}

// sleep waits. What is left of it is waited for if the execution goes on after a restart.
func (t *thread) sleep(ctx context.Context, d time.Duration) error {
	began, err := t.inline("sleep", func() (any, error) { return t.ex.clock.Now().UnixNano(), nil })
	if err != nil {
		return err
	}
	end := time.Unix(0, began.(int64)).Add(d)
	_, err = t.call("sleep", func() (any, error) {
		return nil, t.ex.clock.Sleep(ctx, max(0, end.Sub(t.ex.clock.Now())))
	})
	return err
}

// perform makes the call, once it is kept what the calls before it answered: only a call under way is made twice.
func (ex *execution) perform(c *call, do func() (any, error)) {
	if err := ex.kept(); err != nil {
		c.failure = err
		return
	}
	c.value, c.failure = do()
}

// fork runs n threads, at most limit of them at once, and answers how each ended.
func (t *thread) fork(n, limit int, body func(i int, child *thread) error) []error {
	errs := make([]error, n)
	if n == 0 {
		return errs
	}
	t.forks++
	g := &group{parent: t, limit: limit, left: n}
	s := &t.ex.schedule
	s.mu.Lock()
	s.forked++
	if s.awaited == nil {
		s.awaited, s.working = map[callID]*answer{}, 1
	}
	for i := range n {
		id := fmt.Sprintf("%d.%d", t.forks, i)
		if t.id != "" {
			id = t.id + "." + id
		}
		child := &thread{ex: t.ex, id: id, depth: t.depth + 1, group: g, wake: make(chan struct{}, 1)}
		child.run = func() { errs[i] = body(i, child) }
		s.pending = append(s.pending, child)
	}
	s.working--
	s.startPending()
	work(t.ex.clock, -1) // last, so that a virtual clock does not find nobody at work
	s.next(t.ex)
	s.mu.Unlock()
	<-t.wake
	return errs
}

// main is a thread of a parallel step from its first turn to its end. The last one lets the step go on.
func (t *thread) main() {
	<-t.wake
	t.run()
	s := &t.ex.schedule
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working--
	t.group.working--
	if t.group.left--; t.group.left == 0 {
		s.forked--
		s.working++
		work(t.ex.clock, 1)
		s.ready = append(s.ready, t.group.parent)
	}
	s.startPending()
	work(t.ex.clock, -1)
	s.next(t.ex)
}

// diverged ends an execution that does not do again what the journal has: its definition is another one.
func (ex *execution) diverged(err error) error {
	fatal := expr.Errorf(expr.TagSystem, "the execution cannot go on: %v", err)
	fatal.Fatal = true
	ex.cancel(fatal)
	return fatal
}

package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"time"

	"orderflow.dev/internal/backoff"
)

// process is an instance of a function or a service, from its start to its death.
type process struct {
	sim     *sim
	unit    string
	name    string // place-order#1
	slot    *slot
	ctx     context.Context
	kill    context.CancelFunc
	skew    time.Duration
	handler http.Handler
	asking  asking
}

// slot is where one process of a unit runs, and the next one when it has died.
type slot struct {
	number  int
	lives   int
	process *process // nil: it is being started again
}

// build makes what a process of a unit serves.
type build func(p *process) http.Handler

func (s *sim) host(unit string, instances int, b build) {
	for i := range instances {
		sl := &slot{number: i + 1}
		s.slots[unit] = append(s.slots[unit], sl)
		s.launch(unit, sl, b)
	}
}

func (s *sim) launch(unit string, sl *slot, b build) {
	sl.lives++
	p := &process{sim: s, unit: unit, slot: sl, name: fmt.Sprintf("%s#%d", unit, sl.number)}
	d := s.dice.of(p.name, sl.lives)
	if t := (&task{sim: s, dice: d, who: p.name}); s.fires(d, skew, t, "start") {
		p.skew = time.Duration((d.of("skew", 0).float()*2 - 1) * float64(5*time.Second))
	}
	p.ctx, p.kill = context.WithCancel(s.ctx)
	p.handler = b(p)
	s.mu.Lock()
	sl.process = p
	s.mu.Unlock()
	context.AfterFunc(p.ctx, func() { // it died: the platform starts another
		if s.sleep(d.of("restart", 0).between(50*time.Millisecond, 5*time.Second)) {
			s.launch(unit, sl, b)
		}
	})
}

func (p *process) now() time.Time { return time.Now().Add(p.skew) }

func (p *process) dead() bool { return p.ctx.Err() != nil }

// die ends the process with everything in it: nothing it was about to do happens.
func (p *process) die() {
	p.sim.mu.Lock()
	if p.slot.process == p {
		p.slot.process = nil
	}
	p.sim.mu.Unlock()
	p.kill()
}

// What a caller sees of a network in trouble.
var (
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	errBroken  = io.ErrUnexpectedEOF
)

// call sends a request to a unit as the platform does: any of its processes takes it, and the caller may never hear what
// became of it. It needs a context with a deadline. order is whose timeline it belongs to.
func (t *task) call(ctx context.Context, unit, order string, request func() *http.Request) (*http.Response, error) {
	o := t.at("call "+unit, "")
	o.pause("there")
	switch {
	case o.fires(requestLost):
		return nil, errBroken
	case o.fires(requestLate):
		t.sim.spawn(func() {
			time.Sleep(o.dice.of("late", 0).between(time.Second, 10*time.Minute))
			t.sim.serve(context.WithoutCancel(ctx), o.child("", order), unit, o.dice, request())
		})
		<-ctx.Done()
		return nil, ctx.Err()
	case o.fires(requestTwice):
		t.sim.spawn(func() {
			time.Sleep(o.dice.of("again", 0).between(time.Millisecond, 10*time.Second))
			t.sim.serve(context.WithoutCancel(ctx), o.child("", order).at("again", "").child("", order), unit, o.dice.of("again", 0), request())
		})
	}
	resp, err := t.sim.serve(ctx, o.child("", order), unit, o.dice, request())
	if err != nil {
		return nil, err
	}
	o.pause("back")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if o.fires(answerLost) {
		return nil, errBroken
	}
	return resp, nil
}

// serve has a process answer a request. When the caller leaves, its work may go on.
func (s *sim) serve(ctx context.Context, work *task, unit string, d dice, r *http.Request) (*http.Response, error) {
	slots := s.slots[unit]
	s.mu.Lock()
	p := slots[d.of("which", 0).below(len(slots))].process
	s.mu.Unlock()
	if p == nil {
		return nil, errRefused
	}
	work.process, work.who = p, p.name
	request, leave := context.WithCancel(work.in(p.ctx))
	request = backoff.WithChance(request, func(below time.Duration) time.Duration {
		return time.Duration(work.at("backoff", "").dice.float() * float64(below))
	})
	answer := make(chan *httptest.ResponseRecorder, 1)
	s.spawn(func() {
		defer leave()
		rec := httptest.NewRecorder()
		p.handler.ServeHTTP(rec, r.WithContext(request))
		work.alive()
		answer <- rec
	})
	select {
	case rec := <-answer:
		return rec.Result(), nil
	case <-p.ctx.Done():
		return nil, errBroken
	case <-ctx.Done():
		if d.of("leave", 0).float() < 0.5 {
			leave()
		}
		return nil, ctx.Err()
	}
}

// failed says why a call was no success, for a timeline.
func failed(resp *http.Response, err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case err != nil:
		return err.Error()
	}
	return resp.Status
}

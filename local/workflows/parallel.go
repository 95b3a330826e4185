package workflows

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"orderflow.dev/local/workflows/expr"
)

// parallelOp runs branches, or the iterations of a loop, in threads of their own, and waits for all. If some end with an
// error, the others go on, and the step raises one error about all of them.
type parallelOp struct {
	branches []branch // or
	loop     *forOp
	limit    template // nil: none of its own
}

type branch struct {
	name string
	body *block
}

func (o *parallelOp) kind() string {
	if o.loop != nil {
		return stepParallelFor
	}
	return stepParallel
}

func (o *parallelOp) run(f *frame, s, _ *step) (signal, error) {
	if f.thread.depth >= f.ex.limits().ParallelDepth {
		return signal{}, expr.Errorf(expr.TagParallelNesting, "parallel steps are nested more than %d deep", f.ex.limits().ParallelDepth)
	}
	limit, err := o.concurrency(f)
	if err != nil {
		return signal{}, err
	}
	n, id, body, err := o.bodies(f)
	if err != nil {
		return signal{}, err
	}
	errs := f.thread.fork(n, limit, func(i int, child *thread) error {
		if err := f.ex.billIteration(); err != nil {
			return err
		}
		in := *f
		in.thread, in.place.previous = child, 0
		in.ctx = context.WithValue(f.ctx, threadKey{}, child.number)
		in.push()
		defer in.pop()
		_, err := in.traced(s, o.entry(), func() (signal, error) { return signal{}, body(i, &in) })
		return err
	})
	return signal{}, unhandled(f, errs, id)
}

// entry is the type of a thread in a trace.
func (o *parallelOp) entry() string {
	if o.loop != nil {
		return stepForIteration
	}
	return stepParallelEntry
}

// concurrency is how many threads of the step may work at once.
func (o *parallelOp) concurrency(f *frame) (int, error) {
	if o.limit == nil {
		return f.ex.limits().Threads, nil
	}
	v, err := o.limit.eval(f)
	if err != nil {
		return 0, err
	}
	n, ok := v.(int64)
	if !ok {
		return 0, expr.Errorf(expr.TagType, "concurrency_limit must be an integer, got %s", expr.TypeName(v))
	}
	if n < 1 {
		return 0, expr.Errorf(expr.TagValue, "concurrency_limit must be positive, got %d", n)
	}
	return int(min(n, math.MaxInt32)), nil
}

// bodies is how many threads there are, what each is called and what it does.
func (o *parallelOp) bodies(f *frame) (n int, id func(int) string, body func(int, *frame) error, err error) {
	if o.loop == nil {
		id = func(i int) string { return o.branches[i].name }
		return len(o.branches), id, func(i int, in *frame) error {
			_, err := o.branches[i].body.run(in, nil)
			return err
		}, nil
	}
	at, count, err := o.loop.items(f)
	if err != nil {
		return 0, nil, nil, err
	}
	if count > int64(f.ex.limits().Steps) {
		return 0, nil, nil, limitError("Step limit exceeded") // each iteration is a step at least
	}
	return int(count), strconv.Itoa, func(i int, in *frame) error {
		if err := o.loop.bind(in, int64(i), at(int64(i))); err != nil {
			return err
		}
		_, err := o.loop.body.run(in, nil) // to continue is to end
		return err
	}, nil
}

// unhandled is the error about all threads that ended with one; nil if none did. An error that is not the language's, or
// that nothing may catch, is the step's own.
func unhandled(f *frame, errs []error, id func(int) string) error {
	var branches []any
	truncated := false
	for i, err := range errs {
		var r *raised
		switch {
		case err == nil:
			continue
		case !errors.As(err, &r) || r.cause.Fatal:
			return err
		case len(branches) == f.ex.limits().Unhandled:
			truncated = true
			continue
		}
		why := failure(r)
		branches = append(branches, map[string]any{
			"id": id(i), "error": map[string]any{"context": why.Context, "payload": why.Payload},
		})
	}
	if branches == nil {
		return nil
	}
	return &expr.Error{Value: map[string]any{
		"message":   fmt.Sprintf("%s: One or more branches or iterations encountered an unhandled runtime error", expr.TagUnhandledBranch),
		"tags":      []any{expr.TagUnhandledBranch, "RuntimeError"},
		"branches":  branches,
		"truncated": truncated,
	}}
}

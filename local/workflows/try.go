package workflows

import (
	"errors"
	"math"
	"time"

	"orderflow.dev/local/workflows/expr"
)

// tryOp runs its body, again as the retry policy says, and hands what is still
// raised to the except block. A retry runs the whole body anew; variables keep
// what earlier attempts assigned.
type tryOp struct {
	body    *block
	retry   template // policy as a map, nil if none
	handler *block   // nil without except
	as      string   // variable for the raised value, may be empty
}

func (o *tryOp) kind() string { return stepTryAll }

func (o *tryOp) run(f *frame, s, entry *step) (signal, error) {
	for attempt := 1; ; attempt++ {
		kind := stepTry
		if attempt > 1 {
			kind = stepRetry
		}
		sig, err := f.traced(s, kind, func() (signal, error) { return o.body.run(f, entry) })
		var r *raised
		if err == nil || !errors.As(err, &r) || r.cause.Fatal {
			return sig, err
		}
		again, rerr := o.again(f, r.cause.Value, attempt)
		if rerr != nil {
			return signal{}, rerr
		}
		if !again {
			return o.except(f, s, r)
		}
		entry = nil
		if err := f.ex.billRetry(); err != nil {
			return signal{}, err
		}
	}
}

func (o *tryOp) except(f *frame, s *step, r *raised) (signal, error) {
	if o.handler == nil {
		return signal{}, r
	}
	f.push()
	defer f.pop()
	if o.as != "" {
		if err := f.declare(o.as, r.cause.Value); err != nil {
			return signal{}, err
		}
	}
	return f.traced(s, stepExcept, func() (signal, error) { return o.handler.run(f, nil) })
}

// again decides whether to retry after an attempt, counted from 1, and waits
// out the delay.
func (o *tryOp) again(f *frame, value any, attempt int) (bool, error) {
	if o.retry == nil {
		return false, nil
	}
	v, err := o.retry.eval(f)
	if err != nil {
		return false, err
	}
	p, err := readPolicy(v)
	if err != nil || attempt > p.maxRetries {
		return false, err
	}
	ok, err := p.allows(f, value)
	if !ok || err != nil {
		return false, err
	}
	return true, f.thread.sleep(f.ctx, p.delay(attempt))
}

// retryPolicy is a policy map with every value read.
type retryPolicy struct {
	predicate         string
	maxRetries        int // not counting the first attempt
	initial, max, mul float64
}

func readPolicy(v any) (p retryPolicy, err error) {
	m, ok := v.(map[string]any)
	if !ok {
		return p, expr.Errorf(expr.TagType, "retry must be a policy such as ${http.default_retry} or a map, got %s", expr.TypeName(v))
	}
	// Without a predicate every error is retried; the documentation calls it
	// optional and does not say more.
	p.predicate = "retry.always"
	switch fn := m["predicate"].(type) {
	case expr.Func:
		p.predicate = fn.Name
	case nil:
	default:
		return p, expr.Errorf(expr.TagType, "predicate of retry must be a function or subworkflow, got %s", expr.TypeName(fn))
	}
	n, err := field(m, "max_retries", nil)
	if err != nil {
		return p, err
	}
	p.maxRetries = int(min(n, math.MaxInt32))
	backoff := m["backoff"]
	if p.initial, err = field(backoff, "initial_delay", 1.0); err != nil {
		return p, err
	}
	if p.max, err = field(backoff, "max_delay", 60.0); err != nil {
		return p, err
	}
	p.mul, err = field(backoff, "multiplier", 1.25)
	return p, err
}

// field reads a number that is not negative. Missing parts of a backoff take
// the values of retry.default_backoff.
func field(v any, name string, def any) (float64, error) {
	m, ok := v.(map[string]any)
	if !ok && v != nil {
		return 0, expr.Errorf(expr.TagType, "backoff of retry must be a map, got %s", expr.TypeName(v))
	}
	if x, ok := m[name]; ok {
		def = x
	}
	n, ok := number(def)
	if !ok {
		return 0, expr.Errorf(expr.TagType, "%s of retry must be a number, got %s", name, expr.TypeName(def))
	}
	if !(n >= 0) {
		return 0, expr.Errorf(expr.TagValue, "%s of retry must not be negative, got %s", name, expr.FormatDouble(n))
	}
	return n, nil
}

// allows asks the predicate, a function or subworkflow of one parameter.
func (p retryPolicy) allows(f *frame, value any) (bool, error) {
	v, err := f.Call(p.predicate, []any{value})
	if err != nil {
		return false, err
	}
	ok, isBool := v.(bool)
	if !isBool {
		return false, expr.Errorf(expr.TagType, "predicate %s must return a boolean, got %s", p.predicate, expr.TypeName(v))
	}
	return ok, nil
}

// delay before retry k, from 1.
func (p retryPolicy) delay(k int) time.Duration {
	return seconds(min(p.initial*math.Pow(p.mul, float64(k-1)), p.max))
}

// seconds converts to a duration, saturating at about 292 years.
func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/1e9 {
		return math.MaxInt64
	}
	return time.Duration(s * 1e9)
}

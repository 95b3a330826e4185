package workflows

// StepCount is the number of billed steps of an execution.
//
// The rule, after the pricing page and the best-practice notes of the service:
// every step that runs counts once, whether it succeeds or fails; every further
// attempt of a try counts once more, as does every iteration of a for. A step
// that only jumps counts; next beside another kind of step does not. The steps
// of a subworkflow count on top of the step that calls it. Expressions, and
// functions called in them, cost nothing apart. Nested "steps" are no step of
// their own; what a condition or an inline try does is one, as if it were
// written as a step of its own.
//
// A call over HTTP counts as external unless its host is on Google Cloud
// (*.run.app, *.cloudfunctions.net, *.googleapis.com, *.appspot.com,
// *.cloud.goog); loopback stands for those.
//
// Uncertain: whether the service counts the entry of an except block and the
// jump beside another kind of step. Compare with a real bill before relying on
// differences below a few steps per execution.
type StepCount struct{ Internal, External int }

// bill counts a step about to run.
func (ex *execution) bill(s *step) error {
	if _, nested := s.op.(*blockOp); nested {
		return nil
	}
	if s.op == nil && s.inline() {
		return nil // a condition that only jumps
	}
	return ex.billInternal()
}

// billIteration counts an iteration of a loop.
func (ex *execution) billIteration() error { return ex.billInternal() }

// billRetry counts a further attempt of a try.
func (ex *execution) billRetry() error { return ex.billInternal() }

func (ex *execution) billInternal() error {
	if n := ex.internal.Add(1); n+ex.external.Load() > int64(ex.limits().Steps) {
		return limitError("Step limit exceeded")
	}
	return nil
}

// billExternal turns the step counted last into an external one.
func (ex *execution) billExternal() {
	ex.internal.Add(-1)
	ex.external.Add(1)
}

func (ex *execution) steps() StepCount {
	return StepCount{int(ex.internal.Load()), int(ex.external.Load())}
}

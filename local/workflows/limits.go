package workflows

// Limits bound definitions and executions. A field that is zero means the limit
// of the service. Those marked documented are on its quotas, reference or cheat
// sheet pages; the others are what several independent sources agree on.
type Limits struct {
	SourceBytes      int // definition, bytes; 128 KiB
	ExpressionLength int // one expression without "${" and "}", characters; 400
	Assignments      int // entries of one assign step; 50
	Conditions       int // conditions of one switch; 50 (documented)

	Branches int // branches of one parallel step; 10

	ArgumentBytes int // argument of an execution, bytes; 32 KiB (documented; the release notes say 256 KB)
	MemoryBytes   int // variables and arguments of one execution, bytes; 512 KiB (documented)
	StringBytes   int // one string in a variable, bytes; 256 KiB (documented)
	Steps         int // steps of one execution; 100,000
	CallDepth     int // nested subworkflow calls; 20
	ParallelDepth int // parallel steps within each other; 2
	Threads       int // branches and iterations of one execution that work at once; 20
	Unhandled     int // errors that an UnhandledBranchError tells of; 100
	ResponseBytes int // body of an HTTP response, bytes; 2 MiB
	HTTPSeconds   int // longest timeout of an HTTP call, seconds; 1800 (documented)
	SleepSeconds  int // longest sleep, seconds; one year (documented)
}

// DefaultLimits are the limits of the service.
func DefaultLimits() Limits {
	return Limits{
		SourceBytes: 128 << 10, ExpressionLength: 400, Assignments: 50, Conditions: 50, Branches: 10,
		ArgumentBytes: 32 << 10, MemoryBytes: 512 << 10, StringBytes: 256 << 10,
		Steps: 100_000, CallDepth: 20, ParallelDepth: 2, Threads: 20, Unhandled: 100,
		ResponseBytes: 2 << 20, HTTPSeconds: 1800, SleepSeconds: 365 * 24 * 3600,
	}
}

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, def *int }{
		{&l.SourceBytes, &d.SourceBytes}, {&l.ExpressionLength, &d.ExpressionLength},
		{&l.Assignments, &d.Assignments}, {&l.Conditions, &d.Conditions}, {&l.Branches, &d.Branches},
		{&l.ArgumentBytes, &d.ArgumentBytes}, {&l.MemoryBytes, &d.MemoryBytes}, {&l.StringBytes, &d.StringBytes},
		{&l.Steps, &d.Steps}, {&l.CallDepth, &d.CallDepth}, {&l.ParallelDepth, &d.ParallelDepth},
		{&l.Threads, &d.Threads}, {&l.Unhandled, &d.Unhandled},
		{&l.ResponseBytes, &d.ResponseBytes}, {&l.HTTPSeconds, &d.HTTPSeconds}, {&l.SleepSeconds, &d.SleepSeconds},
	} {
		if *f.value == 0 {
			*f.value = *f.def
		}
	}
	return l
}

// defaultHTTPSeconds is the timeout of an HTTP call that names none (reference:
// http.request).
const defaultHTTPSeconds = 300

// maxTrace bounds the step trace kept for one execution.
const maxTrace = 10_000

func (ex *execution) limits() *Limits { return &ex.engine.options.Limits }

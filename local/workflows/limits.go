package workflows

// Limits of the service. Those marked documented are on its quotas or reference
// pages; the others are what several independent sources agree on.
const (
	MaxSourceBytes   = 128 << 10 // definition, bytes
	MaxAssignments   = 50        // entries of one assign step
	MaxConditions    = 50        // conditions of one switch (documented)
	MaxArgumentBytes = 32 << 10  // argument of an execution, bytes (API reference; the release notes say 256 KB)
	MaxVariableBytes = 512 << 10 // variables and arguments of one execution, bytes (documented)
	MaxResponseBytes = 2 << 20   // body of an HTTP response, bytes
	MaxSteps         = 100_000   // steps of one execution
	MaxCallDepth     = 20        // nested subworkflow calls
	MaxHTTPSeconds   = 1800      // timeout of an HTTP call, seconds (documented)
)

// defaultHTTPSeconds is the timeout of an HTTP call that names none; sources
// disagree between this and MaxHTTPSeconds.
const defaultHTTPSeconds = 300

// maxTrace bounds the step trace kept for one execution.
const maxTrace = 10_000

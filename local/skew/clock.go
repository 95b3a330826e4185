// Package skew builds Orderflow's program with clocks that are wrong, as a machine's may be: what units take for the time, and
// write down, differs from process to process. What ships knows nothing of it.
package skew

import (
	"os"
	"time"
)

// Variable is by how much a process's clock is wrong: a duration, -2.5s.
const Variable = "ORDERFLOW_SKEW"

// wrong is how wrong this process's clock is.
var wrong = func() time.Duration {
	d, _ := time.ParseDuration(os.Getenv(Variable)) // of who did not set it, 0
	return d
}()

// Now is the time as a program of Build's tells it.
func Now() time.Time { return time.Now().Add(wrong) }

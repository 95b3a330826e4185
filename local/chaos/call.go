package chaos

import (
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/iam"
)

// Errors as what is behind would answer them.
var (
	errAway     = status.Error(codes.Unavailable, "chaos: not reached")
	errAborted  = status.Error(codes.Aborted, "chaos: too much contention on these documents")
	errDeadline = status.Error(codes.DeadlineExceeded, "chaos: done, but the answer is lost")
	errKilled   = status.Error(codes.Unavailable, "chaos: the process is dead")
	errThrottle = status.Error(codes.ResourceExhausted, "chaos: quota exceeded")
)

// Between is what comes between units and all that they reach: see iam.Options.
func (c *Chaos) Between(call iam.Call, pass func() error) error {
	kind, what := kindOf(call)
	if kind == listen {
		return c.listen(call, pass)
	}
	if kind == other {
		return pass()
	}
	label := call.Unit + ": " + what
	switch {
	case kind == store && c.away(StoreOutage), kind == publish && c.away(PubSubOutage):
		return errAway
	case c.dies(KilledBefore, call.Unit, label):
		return errKilled
	}
	err := c.trouble(kind, call, label, pass)
	if err == nil && c.dies(KilledAfter, call.Unit, label) {
		return errKilled
	}
	return err
}

// trouble makes the call, or not, and answers.
func (c *Chaos) trouble(kind kind, call iam.Call, label string, pass func() error) error {
	t := troubles[kind]
	switch {
	case t.away != "" && c.fires(t.away, label):
		return errAway
	case t.aborted != "" && strings.Contains(label, "Commit") && c.fires(t.aborted, label):
		return errAborted
	case t.throttled != "" && c.fires(t.throttled, label):
		return errThrottle
	case kind == start && c.fires(StartLost, label):
		return c.startAndLose(call, pass)
	case kind == start && c.fires(StartDoubled, label):
		c.startAgain(call)
	}
	if err := pass(); err != nil {
		return err
	}
	if t.answerLost != "" && c.fires(t.answerLost, label) {
		return errDeadline
	}
	return nil
}

// dies kills a unit's process, unless it was killed a moment ago: a fault that is due then waits.
func (c *Chaos) dies(class Class, unit, label string) bool {
	if c.reach.Kill == nil {
		return false
	}
	now := time.Now()
	may := func() bool { // under the lock
		if now.Sub(c.killed[unit]) < restWell || now.Sub(c.killed[""]) < rest {
			return false
		}
		c.killed[unit], c.killed[""] = now, now
		return true
	}
	if !c.firesIf(class, label, may) {
		return false
	}
	c.reach.Kill(unit)
	return true
}

// rest is the least time between two kills, restWell between two of one unit: to start a process takes the processor that
// orders need.
const (
	rest     = 200 * time.Millisecond
	restWell = 2 * time.Second
)

// kind is what a call is about.
type kind int

const (
	other kind = iota
	store
	publish
	start
	service
	object
	listen
)

// troubles are the classes of faults that calls of a kind meet.
var troubles = map[kind]struct{ away, aborted, throttled, answerLost Class }{
	store:   {away: StoreAway, aborted: StoreAborted, answerLost: StoreAnswerLost},
	publish: {away: PublishAway, answerLost: PublishAnswerLost},
	start:   {throttled: StartThrottled},
	service: {away: CallAway, answerLost: CallAnswerLost},
	object:  {away: StorageAway, answerLost: StorageAnswerLost},
}

// kindOf says what a call is about, and in a few words what it does: "Commit orders".
func kindOf(call iam.Call) (kind, string) {
	rpc, method, _ := strings.Cut(strings.TrimPrefix(call.Method, "/"), "/")
	resource := iam.ResourceOf(call.First)
	switch {
	case call.First == nil:
		verb, _, _ := strings.Cut(call.Method, " ")
		return object, verb + " object"
	case method == "Listen":
		return listen, method
	case rpc == "google.firestore.v1.Firestore":
		return store, method + " " + behind(resource, "databases/")
	case rpc == "google.pubsub.v1.Publisher":
		return publish, method + " " + strings.TrimPrefix(behind(resource, "topics/"), "orderflow.event.v1.")
	case method == "CreateExecution":
		return start, method
	case strings.HasPrefix(rpc, "orderflow."):
		return service, method
	}
	return other, ""
}

// behind is the segment of a resource's name behind a collection.
func behind(resource, collection string) string {
	_, rest, _ := strings.Cut(resource, collection)
	name, _, _ := strings.Cut(rest, "/")
	return name
}

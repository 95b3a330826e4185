package likeness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// tally counts what was compared.
type tally struct {
	compared  int
	messages  int // delivered by both
	calls     map[string]int
	explained map[string]int
}

func newTally() *tally { return &tally{calls: map[string]int{}, explained: map[string]int{}} }

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d calls compared, %d messages delivered, no difference but the explained\n", t.compared, t.messages)
	for _, call := range slices.Sorted(maps.Keys(t.calls)) {
		fmt.Fprintf(&b, "%7d %s\n", t.calls[call], call)
	}
	for _, why := range slices.Sorted(maps.Keys(t.explained)) {
		fmt.Fprintf(&b, "%7d explained: %s\n", t.explained[why], why)
	}
	return b.String()
}

// answer is what a server answers, without what differs from server to server.
type answer struct {
	Code string
	Text string
}

// difference is where Google's emulator is unlike the real service.
type difference struct {
	call         string // with this
	ours, theirs string // codes; any if empty
	why          string
}

const twoMistakes = "of two mistakes in a request either may be told"

var differences = []difference{
	{"UpdateTopic labels", "", "InvalidArgument", "the emulator cannot update labels"},
	{"UpdateSubscription labels", "", "InvalidArgument", "the emulator cannot update labels"},
	{"UpdateSubscription expiration_policy", "", "InvalidArgument", "the emulator says that it does not support this"},
	{"CreateSubscription ack 9", "InvalidArgument", "", "the emulator takes 1 s; the API's least is 10 s"},
	{"CreateSubscription retention 31 days", "", "InvalidArgument", "the emulator knows the former limit of 7 days"},
	{"CreateSubscription expires in an hour", "InvalidArgument", "", "the API's least is a day"},
	{"CreateSubscription bad filter", "InvalidArgument", "", "the emulator ignores filters"},
	{"CreateTopic bad label", "InvalidArgument", "", "the emulator does not check labels"},
	{"ListTopicSubscriptions", "NotFound", "OK", "the emulator does not look whether there is such a topic"},
	{"Publish goog attribute", "InvalidArgument", "", "the emulator does not check the names of attributes"},
	{"Publish nameless attribute", "InvalidArgument", "", "the emulator does not check the names of attributes"},
	{"Publish long attribute", "InvalidArgument", "", "the emulator does not know the limits of attributes"},
	{"Publish two keys", "InvalidArgument", "", "the API wants one ordering key in a request"},
	{"ModifyAckDeadline 601", "InvalidArgument", "", "the API's most is 600 s"},
	{"CreateSubscription", "InvalidArgument", "NotFound", twoMistakes},
	{"CreateSubscription", "InvalidArgument", "AlreadyExists", twoMistakes},
	{"CreateSubscription", "OutOfRange", "NotFound", twoMistakes},
	{"CreateSubscription", "OutOfRange", "AlreadyExists", twoMistakes},
	{"CreateSubscription", "OutOfRange", "InvalidArgument", twoMistakes},
	{"CreateTopic", "InvalidArgument", "AlreadyExists", twoMistakes},
}

// explain says why two answers differ, if that is known.
func explain(call string, ours, theirs answer) (why string) {
	for _, d := range differences {
		if d.call == call && (d.ours == "" || d.ours == ours.Code) && (d.theirs == "" || d.theirs == theirs.Code) {
			return d.why
		}
	}
	return ""
}

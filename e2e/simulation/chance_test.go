package simulation

import (
	"math"
	"time"
)

// dice is a source of decisions: a hash of the seed and the names that lead here.
type dice uint64

// of is the dice of one of several things with a name.
func (d dice) of(name string, n int) dice {
	h := uint64(d) ^ 14695981039346656037
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return dice(mix(h + uint64(n)*0x9e3779b97f4a7c15))
}

// mix is SplitMix64's finalizer: every bit of the answer depends on every bit of the question.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// float is of [0, 1).
func (d dice) float() float64 { return float64(mix(uint64(d))>>11) / (1 << 53) }

// below is of [0, n).
func (d dice) below(n int) int { return int(d.float() * float64(n)) }

// between is of [low, high), each order of magnitude as likely as the next.
func (d dice) between(low, high time.Duration) time.Duration {
	return time.Duration(float64(low) * math.Pow(float64(high)/float64(low), d.float()))
}

// trouble is a class of what may go wrong, or merely come in another order.
type trouble string

// The classes of faults. A run has each of them never, seldom or often.
const (
	crash            trouble = "a process dies at a labelled point"
	slow             trouble = "an operation takes up to a minute"
	readFails        trouble = "a read fails (UNAVAILABLE)"
	commitFails      trouble = "a commit fails (UNAVAILABLE), not applied"
	commitAborted    trouble = "a commit fails (ABORTED), not applied"
	commitUnanswered trouble = "a commit is applied, its answer lost (DEADLINE_EXCEEDED)"
	commitRepeated   trouble = "a commit is applied, its answer lost, the client's retry meets it (ALREADY_EXISTS)"
	publishFails     trouble = "a publish fails, nothing is sent"
	publishUnheard   trouble = "a publish is sent, its answer lost"
	deliveryTwice    trouble = "an event is delivered twice"
	deliveryLate     trouble = "an event is delivered minutes to hours late"
	requestLost      trouble = "a request is lost"
	requestLate      trouble = "a request arrives after its caller gave up"
	requestTwice     trouble = "a request arrives twice"
	answerLost       trouble = "an answer is lost"
	sagaThrottled    trouble = "Workflows throttles a start"
	sagaFails        trouble = "Workflows refuses a start (UNAVAILABLE)"
	sagaUnheard      trouble = "a saga is started, the answer lost"
	sagaTwice        trouble = "a saga is started twice"
	sagaLost         trouble = "a saga is started and never runs"
	sagaDies         trouble = "a saga dies on its way"
	providerFails    trouble = "the provider cannot be reached, nothing is charged"
	providerUnheard  trouble = "the provider does it and does not answer"
	webhookEarly     trouble = "a webhook comes before the charge is answered"
	webhookTwice     trouble = "a webhook comes twice"
	webhookNever     trouble = "a webhook never comes"
	sendFails        trouble = "a message cannot be sent"
	skew             trouble = "clocks differ by up to five seconds"
	poison           trouble = "an event that nobody can handle"
)

var troubles = []trouble{
	crash, slow, readFails, commitFails, commitAborted, commitUnanswered, commitRepeated, publishFails, publishUnheard,
	deliveryTwice, deliveryLate, requestLost, requestLate, requestTwice, answerLost, sagaThrottled, sagaFails, sagaUnheard,
	sagaTwice, sagaLost, sagaDies, providerFails, providerUnheard, webhookEarly, webhookTwice, webhookNever, sendFails, skew, poison,
}

// rates gives each class a rate for one run: runs with few classes go where runs with all of them never come.
func rates(d dice) map[trouble]float64 {
	out := map[trouble]float64{}
	for _, f := range troubles {
		switch r := d.of("rate", 0).of(string(f), 0); {
		case r.float() < 0.3: // never
		case r.float() < 0.8:
			out[f] = 0.01
		default:
			out[f] = 0.1
		}
	}
	out[crash] /= 4 // it takes many orders with it
	for _, seldom := range []trouble{webhookEarly, webhookTwice, webhookNever, poison, skew} {
		out[seldom] *= 5 // there are few occasions
	}
	return out
}

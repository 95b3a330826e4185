package likeness

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// comparison lets two servers answer generated sequences of requests.
type comparison struct {
	google, ours *server
	explained    []difference
	tally        *tally
}

// sequences numbers the sequences of this process: each has projects of its own.
var sequences atomic.Int64

// sequence is one: requests to both, each after the answers to the one before.
type sequence struct {
	*comparison
	t            *rapid.T
	sides        [2]*run // Google's, ours
	transactions []*transaction
	writes       int             // requests that wrote something
	pages        []proto.Message // requests that had more to answer, by the number of their page token
	targets      []int32
	listening    bool
	history      []string
	over         bool // nothing more can be compared
}

// transaction is what the generator knows of one, so that Google's emulator is not made to wait for its locks.
type transaction struct {
	readOnly, ended bool
	elsewhere       bool            // it is another database's
	first           int             // how many writes there were at its first read; -1 before
	all             bool            // it queried: any document may be locked
	read            map[string]bool // names
}

// older says whether there have been writes since a read-write transaction read first.
func (t *transaction) older(writes int) bool {
	return t != nil && !t.readOnly && t.first >= 0 && t.first < writes
}

func (t *transaction) locks(names []string) bool {
	if t.readOnly || t.ended {
		return false
	}
	for _, n := range names {
		if t.all || t.read[n] {
			return true
		}
	}
	return false
}

// check is a property for rapid. The sequence is one draw, of which rapid does not log the many parts.
func (c *comparison) check(t *rapid.T) {
	rapid.Custom(func(t *rapid.T) int { return c.sequence(t) }).Draw(t, "sequence")
}

// sequence answers how many requests were compared.
func (c *comparison) sequence(t *rapid.T) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	number := int(sequences.Add(1))
	s := &sequence{comparison: c, t: t}
	for i, server := range []*server{c.google, c.ours} {
		// The two may be one server.
		s.sides[i] = &run{context: ctx, server: server, memory: newMemory(2*number + i)}
	}
	s.listening = rapid.IntRange(0, 2).Draw(t, "listening") == 2
	s.do(fill(t))
	t.Repeat(map[string]func(*rapid.T){"request": func(t *rapid.T) {
		if !s.over {
			s.request(t)
		}
	}})
	s.leave()
	return len(s.history)
}

// leave ends what would hold locks or a stream.
func (s *sequence) leave() {
	for i, t := range s.transactions {
		if !t.ended && !s.over {
			s.do(&pb.RollbackRequest{Database: database, Transaction: symbol(i)})
		}
	}
}

func symbol(n int) []byte { return fmt.Appendf(nil, "#%d", n) }

// do lets both answer a request, and compares.
func (s *sequence) do(request proto.Message) (ok bool) {
	memory := s.sides[0].memory
	known, pages := len(memory.transactions), len(memory.pages)
	answers := s.both(func(r *run) answer { return r.do(s.sides[0].context, request) })
	ok = s.compare(kind(request), request, answers)
	if len(memory.pages) > pages {
		s.pages = append(s.pages, request)
	}
	if len(memory.transactions) > known {
		s.transactions = append(s.transactions, &transaction{
			readOnly: beginsReadOnly(request), ended: beginsElsewhere(request), elsewhere: beginsElsewhere(request),
			first: -1, read: map[string]bool{}})
	}
	if _, listens := request.(*pb.ListenRequest); listens && !ok {
		// Google's emulator ends the stream, and all targets with it, where it refuses one.
		s.sides[0].listener, s.sides[1].listener, s.targets = nil, nil, nil
	}
	if s.sides[0].listener != nil && !s.over {
		answers := s.both(func(r *run) answer { return r.snapshot(r.context) })
		if s.over = breaks(answers[0]); s.over {
			return ok
		}
		s.compare("snapshot", nil, answers)
	}
	return ok
}

func (s *sequence) both(ask func(*run) answer) (answers [2]answer) {
	var wg sync.WaitGroup
	for i, side := range s.sides {
		wg.Go(func() { answers[i] = ask(side) })
	}
	wg.Wait()
	return answers
}

// compare says whether both answered alike, and not an error. There is no request if a listener shows something.
func (s *sequence) compare(kind string, request proto.Message, answers [2]answer) bool {
	google, ours := answers[0], answers[1]
	answered := fmt.Sprintf("%s %s\n\t%s: %s", kind, shown(request), s.google.name, google)
	if google.same(ours) {
		s.note(answered)
		s.tally.same(kind, google.code)
		return google.code == codes.OK
	}
	answered += fmt.Sprintf("\n\t%s: %s", s.ours.name, ours)
	i := slices.IndexFunc(s.explained, func(d difference) bool {
		return request != nil && d.is(s, request, google, ours) // what listeners show is never explained
	})
	switch {
	case i >= 0:
		s.note(answered)
		s.tally.explain(kind, s.explained[i].emulator)
		s.over = !s.together() || len(written(request)) > 0 && (google.code == codes.OK || ours.code == codes.OK)
		return google.code == codes.OK && ours.code == codes.OK
	case *all:
		s.tally.unexplain(answered)
		s.over = true
	default:
		s.t.Fatalf("answered differently: %s\nafter:\n%s", answered, strings.Join(s.history, "\n"))
	}
	return false
}

func (s *sequence) note(answered string) {
	s.history = append(s.history, fmt.Sprintf("%d. %s", len(s.history)+1, answered))
}

// together says whether symbols still mean the same on both sides.
func (s *sequence) together() bool {
	a, b := s.sides[0].memory, s.sides[1].memory
	return len(a.commits) == len(b.commits) && slices.Equal(a.ranks(), b.ranks()) &&
		len(a.transactions) == len(b.transactions) && len(a.pages) == len(b.pages)
}

func shown(request proto.Message) string {
	if request == nil {
		return ""
	}
	shown := strings.ReplaceAll(text(request), database, "DB")
	return shown[:min(len(shown), 2000)]
}

func kind(request proto.Message) string {
	return strings.TrimSuffix(string(request.ProtoReflect().Descriptor().Name()), "Request")
}

// compareAll compares about that many requests. A sequence that is answered differently is shrunk for some time.
func (c *comparison) compareAll(t testing.TB, requests int, shrink time.Duration) {
	const steps = 30
	set(t, "rapid.steps", steps)
	set(t, "rapid.checks", max(1, requests/steps))
	set(t, "rapid.nofailfile", true)
	set(t, "rapid.shrinktime", shrink)
	rapid.Check(t, c.check)
}

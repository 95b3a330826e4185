package likeness

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// What only a server can tell stands in requests and answers as a symbol: moments as seconds far in the future,
// transactions and pages by their number. So one request is meant for both servers, and answers can be compared.
const (
	commitSymbol = 221_845_392_000           // + n: the n-th of the commits' moments in order; nanos are added to it
	readSymbol   = commitSymbol + 1_000_000  // + n: the n-th read_time that was told
	project      = "likeness-of-nobody-0000" // of requests and of normal answers
	database     = "projects/" + project + "/databases/(default)"
	documents    = database + "/documents"
)

// memory is what a server told in the course of one sequence.
type memory struct {
	project      string // of this sequence; as long as the constant project
	began        time.Time
	commits      []time.Time // in order
	updates      map[update]time.Time
	reads        []time.Time
	transactions [][]byte
	pages        []string
}

// process tells the projects of this process from others' on the same emulator.
var process = strings.ToLower(rand.Text()[:7])

// update is the version of a document that a commit made.
type update struct {
	document string
	commit   int
}

func newMemory(number int) *memory {
	return &memory{
		project: fmt.Sprintf("likeness-%s-%06d", process, number), began: time.Now().Add(-time.Hour), updates: map[update]time.Time{},
	}
}

// resolve is the request for this server.
func (m *memory) resolve(request proto.Message) proto.Message {
	request = proto.Clone(request)
	for _, w := range written(request) {
		if t := w.CurrentDocument.GetUpdateTime(); t != nil && t.Seconds >= commitSymbol {
			m.resolveUpdate(nameWritten(w), t)
		}
	}
	request = m.rename(request, project, m.project)
	edit(request, func(name protoreflect.Name, v protoreflect.Value) protoreflect.Value {
		switch name {
		case "transaction", "new_transaction", "retry_transaction":
			if b, ok := v.Interface().([]byte); ok {
				return protoreflect.ValueOfBytes(numbered(m.transactions, string(b), b))
			}
		case "page_token":
			return protoreflect.ValueOfString(numbered(m.pages, v.String(), v.String()))
		}
		if t, ok := timestamp(v); ok {
			m.resolveTime(t)
		}
		return v
	})
	return request
}

// resolveUpdate makes the symbol of a commit the update time that a document had then.
func (m *memory) resolveUpdate(name string, t *timestamppb.Timestamp) {
	for n := int(t.Seconds - commitSymbol); n >= 0; n-- {
		if at, ok := m.updates[update{name, n}]; ok {
			at = at.Add(time.Duration(t.Nanos))
			t.Seconds, t.Nanos = at.Unix(), int32(at.Nanosecond())
			return
		}
	}
	t.Seconds = 1_000_000_000 // not the moment of a commit: of a deletion, Google's emulator would take it
}

// numbered is the item of which a symbol has the number, or what there is instead if no such one is known.
func numbered[T any](known []T, symbol string, instead T) T {
	var n int
	if _, err := fmt.Sscanf(symbol, "#%d", &n); err != nil || n >= len(known) {
		return instead
	}
	return known[n]
}

func (m *memory) resolveTime(t *timestamppb.Timestamp) {
	known, n := m.commits, t.Seconds-commitSymbol
	if t.Seconds >= readSymbol {
		known, n = m.reads, t.Seconds-readSymbol
	}
	if n < 0 || n >= readSymbol-commitSymbol {
		return
	}
	at := time.Unix(1_000_000_000, 0)
	if len(known) > 0 {
		at = known[n%int64(len(known))]
	}
	at = at.Add(time.Duration(t.Nanos))
	t.Seconds, t.Nanos = at.Unix(), int32(at.Nanosecond())
}

// normal is an answer with symbols for what the server chose. It remembers that.
func (m *memory) normal(answer proto.Message) proto.Message {
	answer = m.rename(answer, m.project, project)
	m.learn(answer)
	edit(answer, func(name protoreflect.Name, v protoreflect.Value) protoreflect.Value {
		m.learnUpdate(v)
		if t, ok := timestamp(v); ok && m.told(t) {
			m.normalTime(name, t)
		}
		switch b, _ := v.Interface().([]byte); {
		case name == "transaction" && len(b) > 0:
			m.transactions = append(m.transactions, slices.Clone(b))
			return protoreflect.ValueOfBytes([]byte("begun"))
		case name == "next_page_token" && v.String() != "":
			m.pages = append(m.pages, v.String())
			return protoreflect.ValueOfString("more")
		}
		return v
	})
	return answer
}

// told says whether a moment comes from the server's clock. Those of the generator are long ago or far in the future.
func (m *memory) told(t *timestamppb.Timestamp) bool {
	since := t.AsTime().Sub(m.began)
	return since > 0 && since < 30*24*time.Hour
}

// learn notes the moment of a commit. Google's emulator gives the writes of one commit moments of their own, just before the
// commit's. So all that is told for the first time by one answer is taken for one moment, the last.
func (m *memory) learn(answer proto.Message) {
	if c, ok := answer.(*pb.CommitResponse); ok && len(c.WriteResults) == 0 {
		return // it changed nothing
	}
	var last time.Time
	edit(answer, func(name protoreflect.Name, v protoreflect.Value) protoreflect.Value {
		if t, ok := timestamp(v); ok && name != "read_time" && m.told(t) && t.AsTime().After(last) {
			last = t.AsTime()
		}
		return v
	})
	if n := len(m.commits); !last.IsZero() && (n == 0 || last.After(m.commits[n-1])) {
		m.commits = append(m.commits, last)
	}
}

// learnUpdate notes the moment of a document's version, for preconditions.
func (m *memory) learnUpdate(v protoreflect.Value) {
	if v, ok := v.Interface().(protoreflect.Message); ok {
		if d, ok := v.Interface().(*pb.Document); ok && d.UpdateTime != nil {
			m.updates[update{d.Name, m.commit(d.UpdateTime.AsTime())}] = d.UpdateTime.AsTime()
		}
	}
}

// learnWrites is learnUpdate for the results of writes.
func (m *memory) learnWrites(request proto.Message, results []*pb.WriteResult) {
	for i, w := range written(request) {
		if i < len(results) && results[i].UpdateTime != nil {
			t := results[i].UpdateTime.AsTime()
			m.updates[update{nameWritten(w), m.commit(t)}] = t
		}
	}
}

// commit is the number of the first commit that is not before a moment.
func (m *memory) commit(t time.Time) int {
	i, _ := slices.BinarySearchFunc(m.commits, t, time.Time.Compare)
	return i
}

// normalTime makes a moment the number of the commit that it is of. A read may be of any moment after the last commit that
// it sees: its number is how many it sees.
func (m *memory) normalTime(name protoreflect.Name, t *timestamppb.Timestamp) {
	i, found := slices.BinarySearchFunc(m.commits, t.AsTime(), time.Time.Compare)
	if name == "read_time" {
		m.reads = append(m.reads, t.AsTime())
		if found {
			i++
		}
	}
	t.Seconds, t.Nanos = commitSymbol+int64(i), 0
}

// ranks are how many commits each read saw.
func (m *memory) ranks() (all []int) {
	for _, t := range m.reads {
		all = append(all, m.commit(t.Add(1)))
	}
	return all
}

// rename replaces a project's name by one of the same length, which encoded messages allow.
func (m *memory) rename(message proto.Message, from, to string) proto.Message {
	encoded, err := proto.Marshal(message)
	if err != nil {
		panic(err) // the generator made it
	}
	encoded = bytes.ReplaceAll(encoded, []byte(from), []byte(to))
	renamed := message.ProtoReflect().New().Interface()
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(encoded, renamed); err != nil {
		panic(err)
	}
	return renamed
}

func timestamp(v protoreflect.Value) (*timestamppb.Timestamp, bool) {
	m, ok := v.Interface().(protoreflect.Message)
	if !ok {
		return nil, false
	}
	t, ok := m.Interface().(*timestamppb.Timestamp)
	return t, ok
}

// edit replaces the values of all fields that are set, at any depth. change may also change messages in place.
func edit(message proto.Message, change func(protoreflect.Name, protoreflect.Value) protoreflect.Value) {
	err := protorange.Range(message.ProtoReflect(), func(p protopath.Values) error {
		last := p.Index(-1)
		switch last.Step.Kind() {
		case protopath.FieldAccessStep:
			field := last.Step.FieldDescriptor()
			v := change(field.Name(), last.Value)
			if field.Kind() != protoreflect.MessageKind && !field.IsList() && !field.IsMap() {
				p.Index(-2).Value.Message().Set(field, v)
			}
		case protopath.ListIndexStep, protopath.MapIndexStep:
			change("", last.Value)
		}
		return nil
	})
	if err != nil {
		panic(err) // edits do not fail
	}
}

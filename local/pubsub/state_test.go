package pubsub

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/wal"
)

// everything is what a restart must not change.
type everything struct {
	Topics, Subscriptions, Schemas map[string]string
	Waiting, Retained, Kept        map[string][]int64
}

func stateOf(s *Server) everything {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := everything{
		map[string]string{}, map[string]string{}, map[string]string{}, map[string][]int64{}, map[string][]int64{},
		map[string][]int64{},
	}
	text := func(m proto.Message) string {
		b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		return string(b)
	}
	for name, t := range s.topics {
		st.Topics[name] = text(t.config) + fmt.Sprint(t.subscriptionNames())
		for _, m := range t.messages() {
			st.Kept[name] = append(st.Kept[name], m.id)
		}
	}
	for name, sub := range s.subscriptions {
		st.Subscriptions[name] = text(sub.config) + fmt.Sprint(sub.since, sub.topic != nil, sub.gone != nil)
		for _, d := range sub.deliveries() {
			if d.state == retained {
				st.Retained[name] = append(st.Retained[name], d.id)
			} else {
				st.Waiting[name] = append(st.Waiting[name], d.id)
			}
		}
	}
	for name, r := range s.schemas {
		for _, one := range r.all {
			st.Schemas[name] += text(one.Schema)
		}
	}
	return st
}

// rebuilt is a server made of records.
func rebuilt(records [][]byte) (*Server, error) {
	s := New(Options{})
	for _, r := range records {
		if err := (*part)(s).Replay(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// recorder is a part that only collects the records of a log.
type recorder struct{ records [][]byte }

func (r *recorder) Replay(record []byte) error {
	r.records = append(r.records, slices.Clone(record))
	return nil
}

func (r *recorder) Snapshot(func([]byte) error) error { return nil }

func recordsOf(t *testing.T, dir string) [][]byte {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	log.Attach("pubsub", r)
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return r.records
}

package storage

import (
	"context"
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"time"

	"orderflow.dev/local/eventarc"
)

// Trigger asks for the events of finalized objects in a bucket. Its events wait for it by its name.
type Trigger struct{ Name, Bucket string }

// event is what a trigger has to be told.
type event struct {
	Trigger string  `json:"trigger"`
	Object  *object `json:"object"`
}

func (e event) is(other event) bool {
	return e.Trigger == other.Trigger && e.Object.Generation == other.Object.Generation
}

// outbox is what is not delivered yet. The store's lock is its lock.
type outbox struct {
	triggers []Trigger
	pending  map[string][]event // by trigger, in the order of generations
	grown    chan struct{}      // closed when something is added
}

func newOutbox(triggers []Trigger) outbox {
	return outbox{triggers: triggers, pending: map[string][]event{}, grown: make(chan struct{})}
}

// events are those of an object that was finalized.
func (x *outbox) events(o *object) (all []event) {
	for _, t := range x.triggers {
		if t.Bucket == o.Bucket {
			all = append(all, event{t.Name, o})
		}
	}
	return all
}

func (x *outbox) add(events []event) {
	if len(events) == 0 {
		return
	}
	for _, e := range events {
		x.pending[e.Trigger] = append(x.pending[e.Trigger], e)
	}
	close(x.grown)
	x.grown = make(chan struct{})
}

func (x *outbox) remove(done event) {
	x.pending[done.Trigger] = slices.DeleteFunc(x.pending[done.Trigger], done.is)
}

// records are of the triggers that there are: the events of one that is gone have nowhere to go.
func (x *outbox) records() (all []record) {
	for _, t := range x.triggers {
		all = append(all, record{Events: x.pending[t.Name]})
	}
	return all
}

// Events are a trigger's, as a source for eventarc.
type Events struct {
	store   *store
	trigger string
	last    int64 // generation
}

// Events begins with the oldest event that is not done.
func (s *Server) Events(trigger string) *Events { return &Events{store: s.store, trigger: trigger} }

// Next waits for an event that it has not answered yet.
func (e *Events) Next(ctx context.Context) (eventarc.Event, error) {
	for {
		next, grown := e.take()
		if next != nil {
			return cloudEvent(next)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return eventarc.Event{}, ctx.Err()
		}
	}
}

func (e *Events) take() (next *object, grown <-chan struct{}) {
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	pending := e.store.outbox.pending[e.trigger]
	i := sort.Search(len(pending), func(i int) bool { return pending[i].Object.Generation > e.last })
	if i == len(pending) {
		return nil, e.store.outbox.grown
	}
	next = pending[i].Object
	e.last = next.Generation
	return next, nil
}

// Done forgets an event.
func (e *Events) Done(id string) error {
	generation, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return err
	}
	e.store.mu.Lock()
	defer e.store.mu.Unlock()
	return e.store.write(record{Done: &event{e.trigger, &object{Generation: generation}}})
}

// cloudEvent is the event that Cloud Storage emits by Eventarc.
func cloudEvent(o *object) (eventarc.Event, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return eventarc.Event{}, err
	}
	at, err := time.Parse(time.RFC3339, o.TimeFinalized)
	return eventarc.Event{
		ID: strconv.FormatInt(o.Generation, 10), Time: at, Data: data,
		Attributes: map[string]string{
			"ce-specversion": "1.0",
			"ce-id":          strconv.FormatInt(o.Generation, 10),
			"ce-type":        "google.cloud.storage.object.v1.finalized",
			"ce-source":      "//storage.googleapis.com/projects/_/buckets/" + o.Bucket,
			"ce-subject":     "objects/" + o.Name,
			"ce-time":        o.TimeFinalized,
			"ce-bucket":      o.Bucket,
			"Content-Type":   "application/json",
		},
	}, err
}

package firestore

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// delta is a document that entered a target's result, changed in it, or left it.
type delta struct {
	path string
	doc  *database.Document // as it is now; nil if there is none
	in   bool               // whether it is in the result now
}

// source is what a target listens to.
type source interface {
	// topics are where its documents are.
	topics() []topic
	// result is what it holds at a moment.
	result(v database.View) []*database.Document
	// begin is what to tell a client that knows the moment before; nil if it knows nothing. Updates go on from now.
	begin(before, now database.View) []delta
	// update is what a commit changed. The view at the commit is asked for only if it is needed.
	update(b database.Batch, after func() (database.View, error)) ([]delta, error)
	// project is what the target wants of a document.
	project(d *database.Document) map[string]*pb.Value
	// projects says whether that is less than the whole document.
	projects() bool
}

// difference is what leads from one result to another.
func difference(before, now []*database.Document, view database.View) []delta {
	known := make(map[string]*database.Document, len(before))
	for _, d := range before {
		known[d.Path] = d
	}
	var deltas []delta
	for _, d := range now {
		if old := known[d.Path]; old == nil || !old.UpdateTime.Equal(d.UpdateTime) {
			deltas = append(deltas, delta{d.Path, d, true})
		}
		delete(known, d.Path)
	}
	for _, d := range before {
		if known[d.Path] != nil {
			deltas = append(deltas, delta{d.Path, view.Get(d.Path), false})
		}
	}
	return deltas
}

// documents are the paths that a documents target names, each once, in order.
type documents []string

func (ds documents) topics() []topic {
	topics := make([]topic, len(ds))
	for i, path := range ds {
		topics[i] = topic{aDocument, path}
	}
	return topics
}

func (ds documents) result(v database.View) []*database.Document {
	var found []*database.Document
	for _, path := range ds {
		if d := v.Get(path); d != nil {
			found = append(found, d)
		}
	}
	return found
}

// begin tells of documents that are missing, too: the client waits to hear of each.
func (ds documents) begin(before, now database.View) []delta {
	if before != nil {
		return difference(ds.result(before), ds.result(now), now)
	}
	deltas := make([]delta, len(ds))
	for i, path := range ds {
		d := now.Get(path)
		deltas[i] = delta{path, d, d != nil}
	}
	return deltas
}

func (ds documents) update(b database.Batch, _ func() (database.View, error)) ([]delta, error) {
	var deltas []delta
	for _, c := range b.Changes {
		if _, named := slices.BinarySearch(ds, changed(c)); named {
			deltas = append(deltas, delta{changed(c), c.After, c.After != nil})
		}
	}
	return deltas, nil
}

func (documents) project(d *database.Document) map[string]*pb.Value { return d.Fields() }
func (documents) projects() bool                                    { return false }

// matches are the documents of a query without limit and offset: whether a document is among them is its own matter.
type matches struct {
	query     *query.Query
	projected bool
}

func (m *matches) topics() []topic { return []topic{topicOf(m.query.Scope())} }

func (m *matches) result(v database.View) []*database.Document {
	found, _ := m.query.Run(v)
	return found
}

func (m *matches) begin(before, now database.View) []delta {
	var known []*database.Document
	if before != nil {
		known = m.result(before)
	}
	return difference(known, m.result(now), now)
}

func (m *matches) update(b database.Batch, _ func() (database.View, error)) ([]delta, error) {
	var deltas []delta
	for _, c := range b.Changes {
		in := m.match(c.After)
		if in || m.match(c.Before) {
			deltas = append(deltas, delta{changed(c), c.After, in})
		}
	}
	return deltas, nil
}

func (m *matches) match(d *database.Document) bool { return d != nil && m.query.Matches(d) }

func (m *matches) project(d *database.Document) map[string]*pb.Value { return m.query.Project(d) }

func (m *matches) projects() bool { return m.projected }

// window is the documents of a query with a limit or an offset: one may enter or leave because of others. It remembers
// what is in it, and runs the query again only for a commit that may move it.
type window struct {
	matches
	offset, limit int // limit 0: none
	last          []*database.Document
	members       map[string]bool // paths of last
}

func (w *window) begin(before, now database.View) []delta {
	var known []*database.Document
	if before != nil {
		known = w.result(before)
	}
	w.remember(w.result(now))
	return difference(known, w.last, now)
}

func (w *window) update(b database.Batch, after func() (database.View, error)) ([]delta, error) {
	if !slices.ContainsFunc(b.Changes, w.moves) {
		return nil, nil
	}
	now, err := after()
	if err != nil {
		return nil, err
	}
	before := w.last
	w.remember(w.result(now))
	return difference(before, w.last, now), nil
}

// moves says whether a change may change the result.
func (w *window) moves(c database.Change) bool {
	if w.members[changed(c)] {
		return true
	}
	if w.offset > 0 {
		return w.match(c.Before) || w.match(c.After)
	}
	full := w.limit > 0 && len(w.last) == w.limit
	return w.match(c.After) && (!full || w.query.Compare(c.After, w.last[len(w.last)-1]) < 0)
}

func (w *window) remember(found []*database.Document) {
	w.last = found
	w.members = make(map[string]bool, len(found))
	for _, d := range found {
		w.members[d.Path] = true
	}
}

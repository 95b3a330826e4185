package firestore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// results is what a client knows: for each target the documents in its result, and when they were written.
type results map[int32]map[string]time.Time

func (r results) clone() results {
	c := results{}
	for id, docs := range r {
		c[id] = maps.Clone(docs)
	}
	return c
}

// client is a client of a Listen stream that believes all it is told, and compares each snapshot with what the
// database held at that moment.
type client struct {
	t       rapid.TB
	db      *database.Database
	targets map[int32]*pb.Target // those that were added
	wire    *wire
	current map[int32]bool
	known   results // at the last snapshot
	next    results
	held    results // what it knew of targets that it resumes, until they are added
}

func newClient(t rapid.TB, s *Server) *client {
	return &client{
		t: t, db: openDB(t, s), targets: map[int32]*pb.Target{}, current: map[int32]bool{},
		known: results{}, next: results{}, wire: listenTo(s, 0),
	}
}

// snapshot reads until the next snapshot.
func (c *client) snapshot() {
	for {
		var r *pb.ListenResponse
		select {
		case r = <-c.wire.responses:
		case <-c.wire.ended:
			c.t.Fatalf("the stream ended with %v", c.wire.err)
		}
		if c.take(r) {
			return
		}
	}
}

// take takes a response in, and says whether it ends a snapshot.
func (c *client) take(r *pb.ListenResponse) bool {
	switch r := r.GetResponseType().(type) {
	case *pb.ListenResponse_DocumentChange:
		d := r.DocumentChange.GetDocument()
		for _, id := range r.DocumentChange.GetTargetIds() {
			c.next[id][strings.TrimPrefix(d.GetName(), testDocs+"/")] = d.GetUpdateTime().AsTime()
		}
		c.leave(d.GetName(), r.DocumentChange.GetRemovedTargetIds())
	case *pb.ListenResponse_DocumentDelete:
		c.leave(r.DocumentDelete.GetDocument(), r.DocumentDelete.GetRemovedTargetIds())
	case *pb.ListenResponse_DocumentRemove:
		c.leave(r.DocumentRemove.GetDocument(), r.DocumentRemove.GetRemovedTargetIds())
	case *pb.ListenResponse_TargetChange:
		return c.change(r.TargetChange)
	}
	return false
}

func (c *client) leave(name string, ids []int32) {
	for _, id := range ids {
		delete(c.next[id], strings.TrimPrefix(name, testDocs+"/"))
	}
}

func (c *client) change(change *pb.TargetChange) bool {
	for _, id := range change.GetTargetIds() {
		switch change.GetTargetChangeType() {
		case pb.TargetChange_ADD:
			if c.next[id] = maps.Clone(c.held[id]); c.next[id] == nil {
				c.next[id] = map[string]time.Time{}
			}
		case pb.TargetChange_RESET:
			c.next[id] = map[string]time.Time{}
		case pb.TargetChange_CURRENT:
			c.current[id] = true
		case pb.TargetChange_REMOVE:
			delete(c.next, id)
			delete(c.current, id)
		}
	}
	if line := targetLine(change); line != "snapshot" {
		return false
	}
	at := change.GetReadTime().AsTime()
	if at.Before(c.wire.time) {
		c.t.Fatalf("read time went back from %v to %v", c.wire.time, at)
	}
	c.wire.time, c.wire.token = at, change.GetResumeToken()
	c.known = c.next.clone()
	c.check(at)
	return true
}

// check compares what the client knows with the database.
func (c *client) check(at time.Time) {
	view, err := c.db.At(at)
	if err != nil {
		c.t.Fatal(err)
	}
	for id := range c.known {
		if !c.current[id] {
			c.t.Fatalf("a snapshot came before target %d was current", id)
		}
		if diff := cmp.Diff(expected(c.t, view, c.targets[id]), c.known[id]); diff != "" {
			c.t.Fatalf("target %d at %v (-want +got):\n%s", id, at, diff)
		}
	}
}

// expected is a target's result.
func expected(t rapid.TB, v database.View, p *pb.Target) map[string]time.Time {
	docs := map[string]time.Time{}
	if p.GetQuery() == nil {
		for _, name := range p.GetDocuments().GetDocuments() {
			if d := v.Get(strings.TrimPrefix(name, testDocs+"/")); d != nil {
				docs[d.Path] = d.UpdateTime
			}
		}
		return docs
	}
	q, err := query.Parse(testDB, "", p.GetQuery().GetStructuredQuery())
	if err != nil {
		t.Fatal(err)
	}
	found, _ := q.Run(v)
	for _, d := range found {
		docs[d.Path] = d.UpdateTime
	}
	return docs
}

// add adds a target, and reads until it is current.
func (c *client) add(p *pb.Target) {
	c.targets[p.GetTargetId()] = p
	c.wire.add(p)
	for c.snapshot(); !c.current[p.GetTargetId()]; c.snapshot() {
	}
}

// resume breaks the stream off and listens to all again from the last snapshot.
func (c *client) resume(s *Server) {
	c.wire.cancel()
	<-c.wire.ended
	token, at := c.wire.token, c.wire.time
	c.wire, c.next, c.held, c.current = listenTo(s, 0), results{}, c.known, map[int32]bool{}
	c.wire.time = at
	for _, id := range slices.Sorted(maps.Keys(c.held)) {
		p := c.targets[id]
		p.ResumeType = &pb.Target_ResumeToken{ResumeToken: token}
		c.add(p)
	}
}

// someTarget draws a target of each kind.
func someTarget(t *rapid.T, id int32) *pb.Target {
	least := rapid.Int64Range(0, 4).Draw(t, "least")
	limit := rapid.Int32Range(1, 4).Draw(t, "limit")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return names(id, "a/1", "a/2", "a/7")
	case 1:
		return where(id, least, 0)
	case 2:
		return where(id, least, limit)
	}
	p := where(id, least, limit)
	p.GetQuery().GetStructuredQuery().Offset = limit
	return p
}

// write commits over and over, from two sides, until it is stopped or has done enough.
func write(t *rapid.T, db *database.Database, commits [][]*pb.Write) (stop func()) {
	const enough = 80
	var stopped atomic.Bool
	var writing sync.WaitGroup
	for _, half := range [][][]*pb.Write{commits[:len(commits)/2], commits[len(commits)/2:]} {
		writing.Go(func() {
			for i := range enough {
				if stopped.Load() || len(half) == 0 {
					return
				}
				if _, err := db.Commit(context.Background(), nil, half[i%len(half)]); err != nil {
					t.Errorf("committing: %v", err)
				}
			}
		})
	}
	return func() {
		stopped.Store(true)
		writing.Wait()
	}
}

// someCommits draws commits on eight documents.
func someCommits(t *rapid.T) [][]*pb.Write {
	one := rapid.Custom(func(t *rapid.T) *pb.Write {
		path := fmt.Sprint("a/", rapid.IntRange(0, 7).Draw(t, "id"))
		if rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
			return drop(path)
		}
		return put(path, rapid.Int64Range(0, 5).Draw(t, "n"))
	})
	return rapid.SliceOfN(rapid.SliceOfN(one, 1, 4), 0, 60).Draw(t, "commits")
}

func TestEverySnapshotIsWhatTheDatabaseHeldAtItsTimeHoweverCommitsAndTargetsRace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := New(Options{})
		c := newClient(t, s)
		stop := write(t, c.db, someCommits(t))
		defer stop()
		defer func() {
			c.wire.cancel()
			<-c.wire.ended
		}()
		for id := range rapid.Int32Range(1, 5).Draw(t, "targets") {
			c.add(someTarget(t, id+1))
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				c.wire.remove(id + 1)
				for c.current[id+1] {
					c.take(<-c.wire.responses)
				}
			case 1:
				c.resume(s)
			}
		}
		stop()
		c.add(names(100, "a/1")) // all that was committed before comes before it
		if got, want := c.wire.time, c.db.Latest().Time(); got.After(want) {
			t.Fatalf("the client is at %v, after %v", got, want)
		}
		c.check(c.db.Latest().Time())
	})
}

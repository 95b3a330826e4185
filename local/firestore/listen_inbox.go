package firestore

import (
	"sync"
	"time"

	"orderflow.dev/local/firestore/database"
)

// backlog is how many changes wait for a stream one by one. A client that is slower still gets them merged, as one
// snapshot: what waits for it then is at most what has changed, however often it changed.
const backlog = 256

// inbox holds the commits that a stream has not sent yet.
type inbox struct {
	ready  chan struct{} // has an element if something may wait
	topics map[topic]int // how many of the stream's targets want each; guarded by the feed

	mu      sync.Mutex
	batches []database.Batch
	merged  bool      // the first of them is several commits
	changes int       // in all of them
	limit   int       // of changes; beyond it they are merged
	last    time.Time // of the commit that came last
}

func newInbox() *inbox {
	return &inbox{ready: make(chan struct{}, 1), topics: map[topic]int{}, limit: backlog}
}

// put adds a commit. It never waits. A commit that comes again, by another topic, is left out.
func (in *inbox) put(b database.Batch) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if b.Time.Equal(in.last) {
		return
	}
	in.last = b.Time
	in.batches = append(in.batches, b)
	in.changes += len(b.Changes)
	if in.changes > in.limit && len(in.batches) > 1 {
		in.batches, in.merged = []database.Batch{merge(in.batches)}, true
		in.changes = len(in.batches[0].Changes)
		in.limit = max(backlog, 2*in.changes) // so that a change is merged a few times only, however many there are
	}
	in.signal()
}

func (in *inbox) signal() {
	select {
	case in.ready <- struct{}{}:
	default:
	}
}

// take gives all commits.
func (in *inbox) take() []database.Batch {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.cut(len(in.batches))
}

// takeUntil gives the commits up to a moment. It is not ok, and takes nothing, if some are merged with later ones.
func (in *inbox) takeUntil(t time.Time) (taken []database.Batch, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	n := 0
	for n < len(in.batches) && !in.batches[n].Time.After(t) {
		n++
	}
	if n == 0 && in.merged {
		return nil, false
	}
	return in.cut(n), true
}

// cut takes the first n batches away.
func (in *inbox) cut(n int) []database.Batch {
	if n == 0 {
		return nil
	}
	taken := in.batches[:n:n]
	in.batches = append([]database.Batch(nil), in.batches[n:]...) // a copy, so that what was taken can be freed
	in.merged, in.limit = false, backlog
	for _, b := range taken {
		in.changes -= len(b.Changes)
	}
	if len(in.batches) > 0 {
		in.signal()
	}
	return taken
}

// merge makes one batch of several that follow one another: from what was before the first to what is after the last.
func merge(batches []database.Batch) database.Batch {
	merged := database.Batch{Time: batches[len(batches)-1].Time}
	place := map[string]int{}
	for _, b := range batches {
		for _, c := range b.Changes {
			i, known := place[changed(c)]
			if known {
				merged.Changes[i].After = c.After
				continue
			}
			place[changed(c)] = len(merged.Changes)
			merged.Changes = append(merged.Changes, c)
		}
	}
	return withoutBrief(merged)
}

// withoutBrief leaves out the documents that came and went within the batch.
func withoutBrief(b database.Batch) database.Batch {
	kept := b.Changes[:0]
	for _, c := range b.Changes {
		if c.Before != nil || c.After != nil {
			kept = append(kept, c)
		}
	}
	clear(b.Changes[len(kept):])
	b.Changes = kept
	return b
}

// changed is the path of the document that a change is about.
func changed(c database.Change) string {
	if c.After != nil {
		return c.After.Path
	}
	return c.Before.Path
}

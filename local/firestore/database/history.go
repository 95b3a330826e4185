package database

import (
	"slices"
	"sort"
	"time"
)

// Change is a document that a commit changed: Before or After is nil if it was or is not there. A write that changed
// nothing is no Change.
type Change struct{ Before, After *Document }

func (c Change) path() string {
	if c.After != nil {
		return c.After.Path
	}
	return c.Before.Path
}

// Batch is what one commit changed.
type Batch struct {
	Time    time.Time
	Changes []Change
}

// bytes is roughly the memory that the batch alone keeps from being reused: what was before, and the notes themselves.
func (b Batch) bytes() (n int) {
	const batch, change = 64, 48
	n = batch
	for _, c := range b.Changes {
		n += change + c.Before.bytes()
	}
	return n
}

// history is the last commits, first in, first out.
type history struct {
	limit   int // in bytes
	size    int
	batches []Batch
	floor   time.Time // what was at this moment, or later, can be told
}

// add notes a commit, and forgets what there is no room for or is too old.
func (h *history) add(b Batch) {
	h.batches = append(h.batches, b)
	h.size += b.bytes()
	for len(h.batches) > 0 && (h.size > h.limit || b.Time.Sub(h.batches[0].Time) > kept) {
		h.size -= h.batches[0].bytes()
		h.floor = h.batches[0].Time
		h.batches[0] = Batch{}
		h.batches = h.batches[1:]
	}
}

// since is what changed after a moment, in order. It is false if that is not known any more.
func (h *history) since(t time.Time) ([]Change, bool) {
	if t.Before(h.floor) {
		return nil, false
	}
	i := sort.Search(len(h.batches), func(i int) bool { return h.batches[i].Time.After(t) })
	var changes []Change
	for _, b := range h.batches[i:] {
		changes = append(changes, b.Changes...)
	}
	return slices.Clip(changes), true
}

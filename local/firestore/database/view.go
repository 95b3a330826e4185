package database

import (
	"iter"
	"slices"
	"sync"
	"time"
)

// View is a database at one moment. It may be used by many, for as long as they like, but see Database.At.
type View interface {
	Time() time.Time
	// Get is a document; nil if there is none.
	Get(path string) *Document
	// Scan yields an index's entries with from <= key < to, ascending or descending. A nil bound is open.
	Scan(i Index, from, to []byte, descending bool) iter.Seq2[[]byte, *Document]
	// Collections are the ids of the collections right below a document ("" for the database), in order, that have a
	// document at any depth.
	Collections(parent string) []string
	// Missing yields the paths, in order, of what is no document but has documents below it, right in a collection.
	Missing(collection string) iter.Seq[string]
}

// view is the documents of a moment, and the indexes of that moment that were scanned.
type view struct {
	db   *Database
	time time.Time
	docs *tree // never changes

	mu      sync.Mutex
	indexes map[indexID]*tree
}

func (v *view) Time() time.Time { return v.time }

func (v *view) Get(path string) *Document {
	d, _ := v.docs.Get(keyOf(path))
	return d
}

func (v *view) Collections(parent string) []string { return slices.Collect(children(v.docs, parent)) }

func (v *view) Missing(collection string) iter.Seq[string] { return missing(v.docs, collection) }

func (v *view) Scan(i Index, from, to []byte, descending bool) iter.Seq2[[]byte, *Document] {
	return func(yield func([]byte, *Document) bool) {
		if descending {
			scanDown(v.index(i), from, to, yield)
		} else {
			scanUp(v.index(i), from, to, yield)
		}
	}
}

func scanUp(entries *tree, from, to []byte, yield func([]byte, *Document) bool) {
	end := string(to)
	entries.Ascend(string(from), func(key string, d *Document) bool {
		return (to == nil || key < end) && yield([]byte(key), d)
	})
}

func scanDown(entries *tree, from, to []byte, yield func([]byte, *Document) bool) {
	start, end := string(from), string(to)
	visit := func(key string, d *Document) bool {
		return to != nil && key == end || key >= start && yield([]byte(key), d)
	}
	if to == nil {
		entries.Reverse(visit)
	} else {
		entries.Descend(end, visit)
	}
}

// index is an index of the view's moment.
func (v *view) index(i Index) *tree {
	v.mu.Lock()
	defer v.mu.Unlock()
	id := indexID{i.Scope, i.Name}
	if v.indexes[id] == nil {
		if v.indexes == nil {
			v.indexes = map[indexID]*tree{}
		}
		v.indexes[id] = v.db.indexOf(v, i)
	}
	return v.indexes[id]
}

package database

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// Index is an ordered set of documents of a collection. It is built when it is first scanned and kept up to date by
// commits from then on.
type Index struct {
	Scope Scope
	Name  string // tells the indexes of a scope apart: two of one name have the same Keys
	// Keys are the places of a document in the index: none if the index leaves it out, several for the elements of an
	// array. Keys of different documents differ: they end in the document's name. It must be pure.
	Keys func(*Document) [][]byte
}

type indexID struct {
	scope Scope
	name  string
}

// index is one that is kept up to date.
type index struct {
	Index
	entries *tree
	used    int64 // when it was last scanned
}

// Commits pay for each index, so those that were not scanned for the longest time are given up.
const (
	mostInScope = 48
	mostInAll   = 4096
)

// indexes are those of a database.
type indexes struct {
	scopes map[Scope]map[string]*index
	count  int
	scans  int64
}

func (x *indexes) get(i Index) *index {
	found := x.scopes[i.Scope][i.Name]
	if found != nil {
		x.scans++
		found.used = x.scans
	}
	return found
}

func (x *indexes) add(i Index, entries *tree) {
	if in := x.scopes[i.Scope]; len(in) >= mostInScope {
		x.dropLeastUsed(maps.Values(in))
	}
	if x.count >= mostInAll {
		x.dropLeastUsed(x.all())
	}
	if x.scopes[i.Scope] == nil {
		x.scopes[i.Scope] = map[string]*index{}
	}
	x.scans++
	x.scopes[i.Scope][i.Name] = &index{i, entries, x.scans}
	x.count++
}

func (x *indexes) all() iter.Seq[*index] {
	return func(yield func(*index) bool) {
		for _, in := range x.scopes {
			for _, i := range in {
				if !yield(i) {
					return
				}
			}
		}
	}
}

func (x *indexes) dropLeastUsed(of iter.Seq[*index]) {
	least := slices.MinFunc(slices.Collect(of), func(a, b *index) int { return cmp.Compare(a.used, b.used) })
	delete(x.scopes[least.Scope], least.Name)
	if len(x.scopes[least.Scope]) == 0 {
		delete(x.scopes, least.Scope)
	}
	x.count--
}

// update brings all indexes up to date with what a commit changed.
func (x *indexes) update(changes []Change) {
	if x.count == 0 {
		return
	}
	for _, c := range changes {
		before, after := c.Before.decoded(), c.After.decoded() // once for all indexes
		for scope := range scopesOf(c.path()) {
			for _, i := range x.scopes[scope] {
				i.remove(i.entries, before)
				i.insert(i.entries, after, c.After)
			}
		}
	}
}

// scopesOf yields the scopes that contain a document.
func scopesOf(path string) iter.Seq[Scope] {
	return func(yield func(Scope) bool) {
		collection, _ := cutLast(path)
		parent, id := cutLast(collection)
		ok := yield(Scope{Parent: parent, Collection: id})
		for ok {
			ok = yield(Scope{parent, id, true}) && yield(Scope{parent, "", true}) && parent != ""
			above, _ := cutLast(parent)
			parent, _ = cutLast(above)
		}
	}
}

// remove takes away the entries of what may be nil or out of scope.
func (i Index) remove(entries *tree, d *Document) {
	if d != nil && i.Scope.Contains(d.Path) {
		for _, key := range i.Keys(d) {
			entries.Delete(string(key))
		}
	}
}

// insert adds the entries of what may be nil or out of scope; they are of the version that is stored.
func (i Index) insert(entries *tree, d, stored *Document) {
	if d != nil && i.Scope.Contains(d.Path) {
		for _, key := range i.Keys(d) {
			entries.Set(string(key), stored)
		}
	}
}

// build makes an index of documents.
func (i Index) build(docs *tree) *tree {
	entries := &tree{}
	for d := range inScope(docs, i.Scope) {
		i.insert(entries, d, d)
	}
	return entries
}

// indexOf is an index at a view's moment.
func (db *Database) indexOf(v *view, i Index) *tree {
	if entries := db.keptIndexOf(v, i); entries != nil {
		return entries
	}
	db.building.Lock()
	defer db.building.Unlock()
	if entries := db.keptIndexOf(v, i); entries != nil {
		return entries
	}
	entries := i.build(v.docs) // commits go on
	db.keep(i, entries, v.time)
	return entries
}

// keptIndexOf is made of an index that is kept up to date, if there is one, and the history goes back to the view.
func (db *Database) keptIndexOf(v *view, i Index) *tree {
	db.mu.Lock()
	index := db.indexes.get(i)
	if index == nil {
		db.mu.Unlock()
		return nil
	}
	changes, known := db.history.since(v.time)
	entries := index.entries.Copy()
	db.mu.Unlock()
	if !known {
		return nil
	}
	for _, c := range slices.Backward(changes) {
		i.remove(entries, c.After)
		i.insert(entries, c.Before, c.Before)
	}
	return entries
}

// keep keeps an index of some moment up to date from now on.
func (db *Database) keep(i Index, entries *tree, at time.Time) {
	db.mu.Lock()
	defer db.mu.Unlock()
	changes, known := db.history.since(at)
	if !known || db.indexes.get(i) != nil {
		return
	}
	entries = entries.Copy()
	for _, c := range changes {
		i.remove(entries, c.Before)
		i.insert(entries, c.After, c.After)
	}
	db.indexes.add(i, entries)
}

package database

import (
	"iter"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// tree is documents by key, or entries of an index. Its Copy costs next to nothing and is not changed with it.
type tree = btree.Map[string, *Document]

// A document's key is its collection's path, then its id: the documents of a collection stand together, apart from
// those below them. No id has bytes that sort before the separators, so whole segments are compared.
const (
	segmentEnd = "\x00\x01" // of a segment within a path
	ofDocument = "\x00\x00" // between a collection and its document
	afterBoth  = "\x00\x02"
)

var (
	escaper   = strings.NewReplacer("/", segmentEnd, "\x00", "\x00\x03")
	unescaper = strings.NewReplacer("\x00\x03", "\x00")
)

func keyOf(path string) string {
	collection, id := cutLast(path)
	return keysIn(collection) + escaper.Replace(id)
}

// keysIn is what the keys of a collection's documents begin with.
func keysIn(collection string) string { return escaper.Replace(collection) + ofDocument }

// keysBelow is what the keys begin with of everything below a document, a collection's documents, or the database ("").
func keysBelow(path string) string {
	if path == "" {
		return ""
	}
	return escaper.Replace(path) + segmentEnd
}

// withPrefix yields the documents whose keys begin so.
func withPrefix(t *tree, prefix string) iter.Seq[*Document] {
	return func(yield func(*Document) bool) {
		t.Ascend(prefix, func(key string, d *Document) bool { return strings.HasPrefix(key, prefix) && yield(d) })
	}
}

// children yields the segments that follow right below a path, in order, each once: ids of collections below a
// document, ids of documents with something below them, of a collection. It leaps from one to the next.
func children(t *tree, path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		prefix := keysBelow(path)
		for from, ok := prefix, true; ok; {
			var id string
			id, ok = nextChild(t, prefix, from)
			ok = ok && yield(unescaper.Replace(id))
			from = prefix + id + afterBoth
		}
	}
}

func nextChild(t *tree, prefix, from string) (id string, ok bool) {
	t.Ascend(from, func(key string, _ *Document) bool {
		var rest string
		if rest, ok = strings.CutPrefix(key, prefix); ok {
			id = rest[:min(endOf(rest, segmentEnd), endOf(rest, ofDocument))]
		}
		return false
	})
	return id, ok
}

func endOf(key, separator string) int {
	if i := strings.Index(key, separator); i >= 0 {
		return i
	}
	return len(key)
}

// inScope yields the documents of a scope, in no particular order.
func inScope(t *tree, s Scope) iter.Seq[*Document] {
	if !s.Group {
		return withPrefix(t, keysIn(join(s.Parent, s.Collection)))
	}
	return func(yield func(*Document) bool) { inGroup(t, s.Parent, s.Collection, yield) }
}

// inGroup goes through the collections at any depth below a document; only those that are asked for are read.
func inGroup(t *tree, parent, collection string, yield func(*Document) bool) bool {
	for id := range children(t, parent) {
		path := join(parent, id)
		if id == collection || collection == "" {
			for d := range withPrefix(t, keysIn(path)) {
				if !yield(d) {
					return false
				}
			}
		}
		for document := range children(t, path) {
			if !inGroup(t, join(path, document), collection, yield) {
				return false
			}
		}
	}
	return true
}

func join(parent, id string) string {
	if parent == "" {
		return id
	}
	return parent + "/" + id
}

// missing yields the paths of what is no document but has documents below it, right in a collection.
func missing(t *tree, collection string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for id := range children(t, collection) {
			path := join(collection, id)
			if _, there := t.Get(keyOf(path)); !there && !yield(path) {
				return
			}
		}
	}
}

// set puts a version in its place; nil takes what is there away.
func set(t *tree, key string, d *Document) {
	if d == nil {
		t.Delete(key)
		return
	}
	t.Set(key, d)
}

// undo takes changes back, the last one first.
func undo(t *tree, changes []Change) {
	for _, c := range slices.Backward(changes) {
		set(t, keyOf(c.path()), c.Before)
	}
}

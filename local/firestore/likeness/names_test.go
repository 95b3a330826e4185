package likeness

import (
	"strings"

	"pgregory.net/rapid"
)

var paths = []string{
	"a/x", "a/y", "a/z", "b/x", "b/y", "a/x/a/x", "a/x/a/y", "a/x/b/y", "a/missing/b/1", "a/é", "a/10", "a/x/a/x/a/x", "b-1/x y",
}

// badPaths are refused, or nearly.
var badPaths = []string{
	"", "a", "a/", "/a/x", "a//x", "a/x/", "a/x/b", "a/x//", "a/.", "a/..", "./x", "a/...", "a/__x__", "__a__/x", "a/____", "a/__x", "a/x__",
	"a/__id7__", "a/__id-9223372036854775808__", "a/__idx__", "a/x\x00", "a/x\ny", "a/*", "a/`x`", "a/[x]", "a/\u00a0",
	"a/" + strings.Repeat("x", 1500), "a/" + strings.Repeat("x", 1501), strings.Repeat("é", 751) + "/x",
	strings.Repeat("a/x/", 49) + "a/x", strings.Repeat("a/x/", 50) + "a/x", strings.Repeat("a/x/", 100) + "a/x",
}

var badNames = []string{
	"", "a/x", database, database + "/a/x", "projects/" + project, "projects/" + project + "/databases/(default)/documents:x",
	"/" + documents + "/a/x", "projects/" + project + "/databases/other/documents/a/x", "projects//databases/(default)/documents/a/x",
	"projects/" + project + "/databases//documents/a/x", "projects/" + project + "x/databases/(default)/documents/a/x",
}

// seldom is true once in some seventy times: for what is mostly refused, after which nothing more comes of a request.
func seldom(t *rapid.T, what string) bool { return rapid.IntRange(0, 39).Draw(t, what) == 37 }

func often(t *rapid.T, what string) bool { return rapid.IntRange(0, 3).Draw(t, what) == 3 }

// name is a document's.
func name(t *rapid.T) string {
	switch {
	case !seldom(t, "bad name"):
		return documents + "/" + rapid.SampledFrom(paths).Draw(t, "path")
	case rapid.Bool().Draw(t, "bad path"):
		return documents + "/" + rapid.SampledFrom(badPaths).Draw(t, "path")
	}
	return rapid.SampledFrom(badNames).Draw(t, "name")
}

var badDatabases = []string{
	"", "projects/" + project, "projects/" + project + "/databases/", "projects/" + project + "/databases/other",
	database + "/", documents, "projects/" + project + "/databases/_", "projects/" + project + "x/databases/(default)",
	"projects/" + project + "/databases/UPPER", "projects/a b/databases/(default)",
}

func databaseName(t *rapid.T) string {
	if seldom(t, "bad database") {
		return rapid.SampledFrom(badDatabases).Draw(t, "database")
	}
	return database
}

var parents = []string{
	documents, documents, documents, documents, documents, documents, documents + "/a/x", documents + "/a/missing", documents + "/a/x/a/x",
}

var badParents = []string{
	"", database, documents + "/", documents + "/a", documents + "/a/x/", documents + "/a/__x__", "projects/" + project,
	documents + "/a/x/a", "projects/" + project + "x/databases/(default)/documents",
}

// parent is the database's documents, or a document.
func parent(t *rapid.T) string {
	if seldom(t, "bad parent") {
		return rapid.SampledFrom(badParents).Draw(t, "parent")
	}
	return rapid.SampledFrom(parents).Draw(t, "parent")
}

var badCollections = []string{"", "a/x", "a/x/b", "__a__", ".", "..", "~none", strings.Repeat("x", 1501)}

func collection(t *rapid.T) string {
	if seldom(t, "bad collection") {
		return rapid.SampledFrom(badCollections).Draw(t, "collection")
	}
	return rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "collection")
}

var fieldPaths = []string{"f", "g", "f", "m", "m.f", "m.g", "m.m.f", "`k-1`", "m.`k-1`", "`é`", "`f`", "absent"}

// badFieldPaths are refused, or nearly. The name of a document is a field in a few places only.
var badFieldPaths = []string{
	"", ".", "f.", ".f", "f..g", "k-1", "`f", "f`", "``", "f.``", "`f`g", "1f", "f g", "__f__", "m.__x__", "`__f__`", "__name__", "__name__.f",
	"é", "`\\``", "`\\\\`", "`\\x`", "f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z", strings.Repeat("n", 1499), strings.Repeat("n", 1501), "*", "f[0]", "f.0",
}

func fieldPath(t *rapid.T) string {
	if seldom(t, "bad field path") {
		return rapid.SampledFrom(badFieldPaths).Draw(t, "field path")
	}
	return rapid.SampledFrom(fieldPaths).Draw(t, "field path")
}

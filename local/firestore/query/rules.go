package query

import (
	"slices"

	"orderflow.dev/local/firestore/value"
)

// Limits of a query (https://firebase.google.com/docs/firestore/query-data/queries#limits_on_or_queries and
// https://firebase.google.com/docs/firestore/quotas).
const (
	maxDisjunctions = 30
	maxCandidates   = 1000 // disjunctions before those that say the same are counted once
	maxAlternatives = 30   // of in and array-contains-any
	maxExcluded     = 10   // of not-in
	maxInequalities = 10   // fields
	maxComplexity   = 100  // filters, orders and the parent
	maxOperand      = 1500 // bytes
)

// inequalities are the fields that the query is sorted by because of its filters: not of those that nothing fulfils, but
// of NOT_IN always.
func (w *where) inequalities() []value.Path {
	var paths []value.Path
	for _, f := range w.filters {
		if f.op.inequality() && (!f.never || w.hasNotIn && f.op == isNot) && !isName(f.path) {
			paths = append(paths, f.path)
		}
	}
	slices.SortFunc(paths, slices.Compare)
	return slices.CompactFunc(paths, slices.Equal)
}

// comparesName says whether there is a filter on the name: equality, or inequality.
func (w *where) comparesName(inequality bool) bool {
	for _, f := range w.filters {
		if isName(f.path) && f.op.inequality() == inequality {
			return true
		}
	}
	return false
}

// check refuses filters that do not go together.
func (w *where) check(disjunctions []conjunction) error {
	switch {
	case w.hasNotIn && w.hasDisjuncts:
		return invalid("NOT_IN cannot be used in the same query with IN, ARRAY_CONTAINS_ANY or OR")
	case w.excludes > 1:
		return invalid("only a single NOT_EQUAL, NOT_IN, IS_NOT_NAN or IS_NOT_NULL filter is allowed per query, "+
			"and this has %d", w.excludes)
	case len(disjunctions) > maxDisjunctions:
		return tooMany(len(disjunctions))
	case len(w.inequalities()) > maxInequalities:
		return invalid("the query has inequality filters on %d fields: at most %d are allowed",
			len(w.inequalities()), maxInequalities)
	case w.comparesName(false) && !w.comparesName(true) && len(w.inequalities()) > 0:
		return invalid("equality on %s is not allowed together with an inequality on other fields, unless %s has one, "+
			"too", name, name)
	}
	for _, c := range disjunctions {
		arrays := slices.DeleteFunc(slices.Clone(c), func(f filter) bool { return f.op != contains })
		if len(arrays) > 1 {
			return invalid("a maximum of 1 ARRAY_CONTAINS or ARRAY_CONTAINS_ANY filter is allowed per disjunction")
		}
	}
	return nil
}

package query

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/value"
)

// Indexes are the indexes that a project has, for strict mode.
type Indexes struct {
	composite map[collection][]composite
	exempted  map[collection][]value.Path
}

// collection is a collection of a database, both by their ids.
type collection struct{ database, id string }

// composite is an index on several fields, and on the name, in the direction of the last one.
type composite []order

// indexed is a field of a composite index.
type indexed struct{ Name, Order string }

// ParseIndexes reads a project's definition: composite indexes as internal/store/indexes.yaml has them, and in the
// format of internal/store/fields.yaml which fields have no index of their own. Its error says which entry is wrong.
func ParseIndexes(indexesYAML, fieldsYAML []byte) (*Indexes, error) {
	var indexes []struct {
		Database, Collection string
		Fields               []indexed
	}
	var fields []struct {
		Database, Collection, Field string
		Indexed                     bool
		ExpireAfterDays             int `yaml:"expire_after_days"`
	}
	if err := errors.Join(decode("indexes", indexesYAML, &indexes), decode("fields", fieldsYAML, &fields)); err != nil {
		return nil, err
	}
	i := &Indexes{composite: map[collection][]composite{}, exempted: map[collection][]value.Path{}}
	for n, entry := range indexes {
		c, err := parseComposite(entry.Fields)
		if err != nil {
			return nil, fmt.Errorf("index %d, of %s: %w", n+1, entry.Collection, err)
		}
		key := collection{entry.Database, entry.Collection}
		i.composite[key] = append(i.composite[key], c)
	}
	for n, entry := range fields {
		p, err := value.ParsePath(entry.Field)
		if err != nil {
			return nil, fmt.Errorf("field %d, of %s: %w", n+1, entry.Collection, err)
		}
		if key := (collection{entry.Database, entry.Collection}); !entry.Indexed {
			i.exempted[key] = append(i.exempted[key], p)
		}
	}
	return i, nil
}

func parseComposite(fields []indexed) (composite, error) {
	if len(fields) < 2 {
		return nil, fmt.Errorf("%d fields: an index that is no field's own has two at least", len(fields))
	}
	var c composite
	for _, f := range fields {
		p, err := value.ParsePath(f.Name)
		if err != nil {
			return nil, err
		}
		if f.Order != "asc" && f.Order != "desc" {
			return nil, fmt.Errorf("the order of %s is %q: it must be asc or desc", f.Name, f.Order)
		}
		c = append(c, order{p, f.Order == "desc"})
	}
	return c, nil
}

func decode(what string, text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the project's %s: %w", what, err)
	}
	return nil
}

// Check answers FAILED_PRECONDITION, with the index that is missing, for a query that Firestore would refuse to run.
// database is projects/P/databases/D. The rules are those of
// https://firebase.google.com/docs/firestore/query-data/index-overview: a query needs an index on the fields that it
// compares for equality and then those that it sorts by; several indexes that end alike are merged for more equality;
// every field has an index of its own, but not of collection groups. nil indexes refuse nothing.
func (i *Indexes) Check(database string, q *Query) error {
	if i == nil {
		return nil
	}
	if q.nearest != nil {
		return status.Error(codes.FailedPrecondition, "find_nearest needs an index for vectors, and none can be defined here")
	}
	key := collection{path.Base(database), q.scope.Collection}
	for _, c := range q.disjunctions {
		if n := q.need(c); !i.serves(key, n) {
			return status.Error(codes.FailedPrecondition, n.refusal(key))
		}
	}
	return nil
}

// need is what the index of a conjunction must have.
type need struct {
	group      bool
	equal      []value.Path
	array      value.Path
	orders     []order // without those by fields that are equal anyway, and without the name
	descending bool    // the name
}

func (q *Query) need(c conjunction) need {
	i, _, _ := q.indexFor(c)
	last := len(q.orders) - 1
	n := need{group: q.scope.Group, equal: i.equal, array: i.array, descending: q.orders[last].descending}
	for _, o := range q.orders[:last] {
		if !slices.ContainsFunc(n.equal, o.by) {
			n.orders = append(n.orders, o)
		}
	}
	return n
}

func (o order) by(p value.Path) bool { return slices.Equal(o.path, p) }

func (i *Indexes) serves(key collection, n need) bool {
	switch {
	case n.group:
		return len(n.equal)+len(n.orders) == 0 && n.array == nil && !n.descending
	case n.array != nil && !i.alone(key, n.array):
		return false
	case len(n.orders) == 0 && !n.descending:
		rest := i.missing(key, n)
		return !slices.ContainsFunc(rest, func(p value.Path) bool { return !i.alone(key, p) })
	case n.array != nil:
		return false
	case len(n.orders) == 1 && len(n.equal) == 0 && n.orders[0].descending == n.descending:
		if i.alone(key, n.orders[0].path) {
			return true
		}
	}
	found := slices.ContainsFunc(i.composite[key], func(c composite) bool { _, ok := c.merges(n); return ok })
	return found && len(i.missing(key, n)) == 0
}

// alone says whether a field has its own index: one within an exempted map has none either.
func (i *Indexes) alone(key collection, p value.Path) bool {
	within := func(e value.Path) bool { return len(e) <= len(p) && slices.Equal(e, p[:len(e)]) }
	return !slices.ContainsFunc(i.exempted[key], within)
}

// missing are the fields compared for equality that no composite index has which the query can use.
func (i *Indexes) missing(key collection, n need) []value.Path {
	missing := slices.Clone(n.equal)
	for _, c := range i.composite[key] {
		if prefix, ok := c.merges(n); ok {
			missing = slices.DeleteFunc(missing, func(p value.Path) bool {
				return slices.ContainsFunc(prefix, func(o order) bool { return o.by(p) })
			})
		}
	}
	return missing
}

// merges says whether an index can be merged into what a query needs, and for which fields compared for equality: the
// first ones, in any direction, if all others are what the query sorts by.
func (c composite) merges(n need) (prefix composite, ok bool) {
	at := len(c) - len(n.orders)
	if at < 0 || c[len(c)-1].descending != n.descending {
		return nil, false
	}
	same := func(a, b order) bool { return a.by(b.path) && a.descending == b.descending }
	sorted := slices.EqualFunc(c[at:], n.orders, same)
	strange := slices.ContainsFunc(c[:at], func(o order) bool { return !slices.ContainsFunc(n.equal, o.by) })
	return c[:at], sorted && !strange
}

// refusal says it as Firestore does, and where to add the index.
func (n need) refusal(key collection) string {
	fields := []string{}
	for _, p := range n.equal {
		fields = append(fields, fmt.Sprintf("{name: %s, order: asc}", p))
	}
	for _, o := range n.orders {
		direction := map[bool]string{false: "asc", true: "desc"}[o.descending]
		fields = append(fields, fmt.Sprintf("{name: %s, order: %s}", o.path, direction))
	}
	const required = "The query requires an index. "
	last := false // the direction of the last field, which is the name's in an index
	if len(n.orders) > 0 {
		last = n.orders[len(n.orders)-1].descending
	}
	switch {
	case n.group:
		return fmt.Sprintf(required+"It is one on the collection group %s, which internal/store/indexes.yaml has no "+
			"words for.", key.id)
	case n.array != nil:
		return fmt.Sprintf(required+"It is one on %s with the elements of %s, which internal/store/indexes.yaml has no "+
			"words for, or one that internal/store/fields.yaml took from %s.", key.id, n.array, n.array)
	case last != n.descending:
		return fmt.Sprintf(required+"It is one on %s with %s against the direction of the last field, which "+
			"internal/store/indexes.yaml has no words for: order by %s as by the last field.", key.id, name, name)
	case len(fields) == 1:
		return fmt.Sprintf(required+"It is the field's own, which internal/store/fields.yaml took from %s: [%s].",
			key.id, fields[0])
	}
	return fmt.Sprintf(required+"Add it to internal/store/indexes.yaml:\n- {database: %s, collection: %s, fields: [%s]}",
		key.database, key.id, strings.Join(fields, ", "))
}

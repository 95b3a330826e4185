package memory

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
)

// index is a composite index: collection, and fields with the id at the end.
type index struct {
	collection string
	fields     []store.Order
}

// String is the index as a person reads it: "orders: customer_id, create_time desc, __name__ desc".
func (i index) String() string {
	var fields []string
	for _, f := range i.fields {
		if f.Desc {
			f.Field += " desc"
		}
		fields = append(fields, f.Field)
	}
	return i.collection + ": " + strings.Join(fields, ", ")
}

// production is what Terraform makes: the composite indexes, and which fields (collection.field) have none of their own. No
// two databases have a collection of one name.
var production = sync.OnceValues(func() (composite []index, without map[string]bool) {
	var indexes []struct {
		Collection string
		Fields     []struct{ Name, Order string }
	}
	read("indexes.yaml", &indexes)
	for _, i := range indexes {
		c := index{collection: i.Collection}
		for _, f := range i.Fields {
			c.fields = append(c.fields, store.Order{Field: f.Name, Desc: f.Order == "desc"})
		}
		c.fields = append(c.fields, store.Order{Field: store.DocumentID, Desc: c.fields[len(c.fields)-1].Desc})
		composite = append(composite, c)
	}
	var fields []struct {
		Collection, Field string
		Indexed           bool
	}
	read("fields.yaml", &fields)
	without = map[string]bool{}
	for _, f := range fields {
		without[f.Collection+"."+f.Field] = !f.Indexed
	}
	return composite, without
})

func read(file string, into any) {
	text, err := store.Indexes.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		panic(fmt.Sprintf("internal/store/%s: %v", file, err))
	}
}

// Indexes are the composite indexes that Terraform makes, as IndexOf names them.
func Indexes() (all []string) {
	composite, _ := production()
	for _, i := range composite {
		all = append(all, i.String())
	}
	return all
}

// IndexOf is the composite index that a query runs on in production; empty where the indexes that Firestore has of each
// field are enough. The error of one that no index fits is what Firestore says of it
// (https://firebase.google.com/docs/firestore/query-data/index-overview). That Firestore can also merge composite indexes,
// nothing here relies on.
func IndexOf(q store.Query) (string, error) {
	var equal []string
	for _, w := range q.Where {
		if w.Op == "==" {
			equal = append(equal, w.Field)
		}
	}
	orders := ordered(q)
	composite, without := production()
	missing := func(field string) bool { return without[q.Collection+"."+field] }
	if alone, ok := single(equal, orders); ok && !slices.ContainsFunc(alone, missing) {
		return "", nil
	}
	needed := index{collection: q.Collection}
	for _, f := range equal {
		needed.fields = append(needed.fields, store.Order{Field: f})
	}
	needed.fields = append(needed.fields, orders...)
	for _, i := range composite {
		if i.serves(q.Collection, equal, orders) {
			return i.String(), nil
		}
	}
	return "", fault.New(codes.Internal, "", "the query requires an index: add one to internal/store/indexes.yaml for %s", needed)
}

// single answers the fields whose own indexes are enough for a query: those that it compares for equality and nothing else,
// or the only one that it compares or orders by.
func single(equal []string, orders []store.Order) (fields []string, ok bool) {
	id := orders[len(orders)-1]
	switch {
	case len(orders) == 1:
		return equal, !id.Desc
	case len(orders) == 2 && len(equal) == 0:
		return []string{orders[0].Field}, orders[0].Desc == id.Desc
	}
	return nil, false
}

// serves says whether a query runs on the index: what is compared for equality comes first, in any order, and then what is
// ordered by, as it is.
func (i index) serves(collection string, equal []string, orders []store.Order) bool {
	if i.collection != collection || len(i.fields) != len(equal)+len(orders) {
		return false
	}
	return slices.Equal(i.fields[len(equal):], orders) &&
		!slices.ContainsFunc(i.fields[:len(equal)], func(f store.Order) bool { return !slices.Contains(equal, f.Field) })
}

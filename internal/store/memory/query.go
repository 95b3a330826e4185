package memory

import (
	"cmp"
	"context"
	"encoding/binary"
	"path"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
)

// Query implements store.Database.
func (d *Database) Query(ctx context.Context, q store.Query) (out []store.Document, err error) {
	if q.Limit < 1 || len(q.After) > 0 && len(q.After) != len(q.OrderBy) {
		return nil, fault.New(codes.InvalidArgument, "", "query %s: it has no limit, or a cursor that does not fit its order", q.Collection)
	}
	if !d.Unindexed {
		if _, err := IndexOf(q); err != nil {
			return nil, err
		}
	}
	err = d.do(ctx, "query", nil, func() error {
		orders := ordered(q)
		found := slices.DeleteFunc(d.collection(q.Collection), func(doc store.Document) bool {
			return !matches(doc, q.Where, orders) || len(q.After) > 0 && compare(doc, orders, keys(q.After)) <= 0
		})
		slices.SortFunc(found, func(a, b store.Document) int { return compare(a, orders, position(b, orders)) })
		for _, doc := range found[:min(len(found), q.Limit)] {
			out = append(out, copied(doc))
		}
		return nil
	})
	return out, err
}

// collection is a collection's documents, by id, not copied.
func (d *Database) collection(name string) []store.Document {
	var out []store.Document
	for p, doc := range d.documents {
		if path.Dir(p) == name {
			out = append(out, doc)
		}
	}
	slices.SortFunc(out, func(a, b store.Document) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// ordered is a query's whole order: what it names, then the fields it compares for more than equality, then the id in
// the last one's direction.
func ordered(q store.Query) []store.Order {
	orders := slices.Clone(q.OrderBy)
	desc := len(orders) > 0 && orders[len(orders)-1].Desc
	for _, w := range append(slices.Clone(q.Where), store.Where{Field: store.DocumentID}) {
		if w.Op != "==" && !slices.ContainsFunc(orders, func(o store.Order) bool { return o.Field == w.Field }) {
			orders = append(orders, store.Order{Field: w.Field, Desc: desc})
		}
	}
	return orders
}

func matches(doc store.Document, where []store.Where, orders []store.Order) bool {
	if slices.Contains(position(doc, orders), "") {
		return false
	}
	for _, w := range where {
		got, want := key(doc.Fields[w.Field]), key(w.Value)
		if got == "" || want == "" || got[0] != want[0] || !holds(w.Op, strings.Compare(got, want)) {
			return false
		}
	}
	return true
}

func holds(op string, c int) bool {
	return c == 0 && slices.Contains([]string{"==", "<=", ">="}, op) ||
		c < 0 && (op == "<" || op == "<=") || c > 0 && (op == ">" || op == ">=")
}

// position is where a document stands in an order.
func position(doc store.Document, orders []store.Order) []string {
	out := make([]string, len(orders))
	for i, o := range orders {
		if out[i] = key(doc.Fields[o.Field]); o.Field == store.DocumentID {
			out[i] = key(path.Base(doc.Path))
		}
	}
	return out
}

// compare compares a document with a position, of which there may be only the beginning.
func compare(doc store.Document, orders []store.Order, with []string) int {
	at := position(doc, orders)[:len(with)]
	for i, o := range orders[:len(with)] {
		if c := strings.Compare(at[i], with[i]); c != 0 && o.Desc {
			return -c
		} else if c != 0 {
			return c
		}
	}
	return 0
}

func keys(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = key(v)
	}
	return out
}

// key is a value in a form that sorts as Firestore does, types first; empty for what is missing.
func key(v any) string {
	number := func(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n)^(1<<63))) }
	switch v, _ := value(v); v := v.(type) {
	case bool:
		return "1" + map[bool]string{true: "1"}[v]
	case int64:
		return "2" + number(v)
	case time.Time:
		return "3" + number(v.UnixMicro())
	case string:
		return "4" + v
	case []byte:
		return "5" + string(v)
	case map[string]any:
		return "6" // nothing here orders by a map
	}
	return ""
}

// value is v as it is stored, a copy; false if it is of no type that fields have.
func value(v any) (any, bool) {
	switch v := v.(type) {
	case string, int64, bool:
		return v, true
	case time.Time:
		return v.UTC().Truncate(time.Microsecond), true
	case []byte:
		return append([]byte{}, v...), true
	case map[string]any:
		out, all := make(map[string]any, len(v)), true
		for k, e := range v {
			stored, ok := value(e)
			out[k], all = stored, all && ok
		}
		return out, all
	}
	return nil, false
}

func copied(d store.Document) store.Document {
	if d.Exists() {
		fields, _ := value(map[string]any(d.Fields)) // what is stored is of such types
		d.Fields = fields.(map[string]any)
	}
	return d
}

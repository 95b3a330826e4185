package query_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/firestore/query"
)

// many is 1000 orders of 10 customers, some of which are due.
func many() *view {
	v := &view{}
	for i := range 1000 {
		v.add(fmt.Sprintf("orders/%04d", i), object{"customer": i % 10, "created": i, "state": i % 3, "tags": list{i % 7, i % 5}, "b": -i})
	}
	return v
}

func TestAQueryTouchesWhatItAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q     *structured
		found int
		most  int // entries of indexes
	}{
		"equality, order, limit":        {from("orders", where("customer", "==", 3), orderBy("-created"), limit(20)), 20, 20},
		"two equalities, order, limit":  {from("orders", and(where("customer", "==", 3), where("state", "==", 1)), orderBy("created"), limit(20)), 20, 20},
		"equality alone":                {from("orders", where("customer", "==", 3)), 100, 100},
		"a range":                       {from("orders", and(where("created", ">=", 990), where("created", "<", 995))), 5, 5},
		"equality and a range, down":    {from("orders", and(where("customer", "==", 3), where("created", "<=", 500)), orderBy("-created"), limit(3)), 3, 3},
		"a page":                        {from("orders", where("customer", "==", 3), orderBy("-created", "__name__"), startAfter(503, ref("orders/0503")), limit(5)), 5, 5},
		"a page, upwards":               {from("orders", where("customer", "==", 3), orderBy("created"), startAfter(503), limit(5)), 5, 5},
		"up to the end":                 {from("orders", nil, orderBy("created"), endBefore(5)), 5, 5},
		"down to the end":               {from("orders", nil, orderBy("-created"), endAt(995)), 5, 5},
		"by name":                       {from("orders", nil, limit(5)), 5, 5},
		"names":                         {from("orders", where("__name__", "in", list{ref("orders/0001"), ref("orders/0700")})), 2, 2},
		"names behind":                  {from("orders", where("__name__", ">", ref("orders/0990")), limit(3)), 3, 3},
		"names downwards":               {from("orders", where("__name__", "<", ref("orders/0990")), orderBy("-__name__"), limit(3)), 3, 3},
		"an element":                    {from("orders", where("tags", "contains", 6), orderBy("-created"), limit(4)), 4, 4},
		"any element":                   {from("orders", where("tags", "contains any", list{6, 3}), orderBy("-created"), limit(4)), 4, 7},
		"any of some":                   {from("orders", where("customer", "in", list{1, 3, 5}), orderBy("-created"), limit(9)), 9, 12},
		"one or the other":              {from("orders", or(where("customer", "==", 1), where("state", "==", 1)), orderBy("created"), limit(9)), 9, 14},
		"not null":                      {from("orders", unary("created", "is not null"), limit(9)), 9, 9},
		"all but one":                   {from("orders", where("created", "!=", 2), limit(9)), 9, 10},
		"offset":                        {from("orders", where("customer", "==", 3), orderBy("created"), offset(5), limit(5)), 5, 10},
		"never":                         {from("orders", where("created", "<", nil)), 0, 0},
		"two ranges":                    {from("orders", and(where("created", ">=", 990), where("b", ">", -995)), orderBy("created")), 5, 10},
		"equal to two values":           {from("orders", and(where("customer", "==", 3), where("customer", "==", 4))), 0, 100},
		"limit 0":                       {from("orders", nil, limit(0)), 0, 0},
		"start and end that do not fit": {from("orders", nil, orderBy("created"), startAt(7), endAt(5)), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := query.Parse(project, "", c.q)
			if err != nil {
				t.Fatal(err)
			}
			v := many()
			if found, _ := q.Run(v); len(found) != c.found || v.scanned > c.most {
				t.Errorf("found %d documents, touched %d entries; want %d, at most %d", len(found), v.scanned, c.found, c.most)
			}
		})
	}
}

func TestQueriesOfOneShapeShareAnIndex(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		queries []*structured
		want    []string
	}{
		"other values and limits": {[]*structured{
			from("c", and(where("a", "==", 1), where("b", "==", 2)), orderBy("x"), limit(1)),
			from("c", and(where("b", "==", "b"), where("a", "==", nan)), orderBy("x"), startAt(3)),
			from("c", and(where("a", "in", list{1, 2}), unary("b", "is null")), orderBy("-x")),
		}, []string{"a, b, x, __name__"}},
		"up and down": {[]*structured{
			from("c", nil, orderBy("-a", "b")), from("c", nil, orderBy("a", "-b")),
		}, []string{"a, b desc, __name__ desc"}},
		"equality and order": {[]*structured{
			from("c", where("a", "==", 1)), from("c", where("a", ">", 1), orderBy("-a")), from("c", nil, orderBy("a")),
		}, []string{"a, __name__"}},
		"elements": {[]*structured{
			from("c", where("a", "contains", 1)), from("c", where("a", "contains any", list{1, 2})),
		}, []string{"any a, __name__"}},
		"names": {[]*structured{
			from("c", nil), from("c", where("__name__", "==", ref("c/a"))), from("c", nil, orderBy("-__name__")),
		}, []string{"__name__"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &view{}
			for _, s := range c.queries {
				run(t, v, "", s)
			}
			want := map[string]bool{}
			for _, index := range c.want {
				want[index] = true
			}
			if diff := cmp.Diff(want, v.names); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package memory_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

func TestAQueryWithoutAnIndexIsRefused(t *testing.T) {
	t.Parallel()
	equal := func(field string) store.Where { return store.Where{Field: field, Op: "==", Value: "x"} }
	const byCustomer, ofStatus = "orders: customer_id, create_time desc, __name__ desc", "orders: customer_id, status, create_time desc, __name__ desc"
	newest := []store.Order{desc("create_time")}
	for name, c := range map[string]struct {
		q     store.Query
		index string // "none": refused
	}{
		"all":                                {store.Query{}, ""},
		"by id":                              {store.Query{OrderBy: []store.Order{asc(store.DocumentID)}}, ""},
		"by id, the other way":               {store.Query{OrderBy: []store.Order{desc(store.DocumentID)}}, "none"},
		"one field":                          {store.Query{Where: []store.Where{equal("status")}}, ""},
		"two fields, equality only":          {store.Query{Where: []store.Where{equal("status"), equal("customer_id")}}, ""},
		"a range":                            {store.Query{Where: []store.Where{{Field: "attempts", Op: ">=", Value: int64(1)}}}, ""},
		"ordered by one field":               {store.Query{OrderBy: []store.Order{desc("attempts"), desc(store.DocumentID)}}, ""},
		"ordered by one field, ids against":  {store.Query{OrderBy: []store.Order{desc("attempts"), asc(store.DocumentID)}}, "none"},
		"ordered by two fields":              {store.Query{OrderBy: []store.Order{asc("attempts"), asc("status")}}, "none"},
		"a field that is exempted":           {store.Query{OrderBy: newest}, "none"},
		"an exempted field for equality":     {store.Query{Where: []store.Where{equal("create_time")}}, "none"},
		"equality, and ordered by another":   {store.Query{Where: []store.Where{equal("customer_id")}, OrderBy: newest}, byCustomer},
		"with the id that is implied":        {store.Query{Where: []store.Where{equal("customer_id")}, OrderBy: append(newest, desc(store.DocumentID))}, byCustomer},
		"in the other direction":             {store.Query{Where: []store.Where{equal("customer_id")}, OrderBy: []store.Order{asc("create_time")}}, "none"},
		"ids in the other direction":         {store.Query{Where: []store.Where{equal("customer_id")}, OrderBy: append(newest, asc(store.DocumentID))}, "none"},
		"equality of two":                    {store.Query{Where: []store.Where{equal("customer_id"), equal("status")}, OrderBy: newest}, ofStatus},
		"equality of two, the other first":   {store.Query{Where: []store.Where{equal("status"), equal("customer_id")}, OrderBy: newest}, ofStatus},
		"equality of another":                {store.Query{Where: []store.Where{equal("origin")}, OrderBy: newest}, "none"},
		"equality, and a range of another":   {store.Query{Where: []store.Where{equal("sweep_shard"), {Field: "next_attempt_time", Op: "<=", Value: moment}}}, "orders: sweep_shard, next_attempt_time, __name__"},
		"another collection with its fields": {store.Query{Collection: "items", Where: []store.Where{equal("customer_id")}, OrderBy: newest}, "none"},
	} {
		if c.q.Limit = 1; c.q.Collection == "" {
			c.q.Collection = "orders"
		}
		index, err := memory.IndexOf(c.q)
		if c.index == "none" {
			if _, err := (&memory.Database{}).Query(t.Context(), c.q); fault.Code(err) != codes.Internal {
				t.Errorf("%s: error %v, want the one that Firestore's becomes", name, err)
			}
		} else if err != nil || index != c.index {
			t.Errorf("%s runs on %q, error %v, want %q", name, index, err, c.index)
		}
	}
}

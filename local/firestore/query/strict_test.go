package query_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	"orderflow.dev/local/firestore/query"
)

const (
	composites = `
- {database: shop, collection: orders, fields: [{name: customer, order: asc}, {name: created, order: desc}]}
- {database: shop, collection: orders, fields: [{name: customer, order: asc}, {name: status, order: asc}, {name: created, order: desc}]}
- {database: shop, collection: places, fields: [{name: category, order: asc}, {name: stars, order: asc}]}
- {database: shop, collection: places, fields: [{name: city, order: desc}, {name: stars, order: asc}]}
- {database: shop, collection: places, fields: [{name: open, order: asc}, {name: stars, order: asc}]}
- {database: shop, collection: places, fields: [{name: stars, order: asc}, {name: name, order: desc}]}
- {database: shop, collection: hidden, fields: [{name: secret.key, order: asc}, {name: other, order: asc}]}
`
	exemptions = `
- {database: shop, collection: orders, field: created}
- {database: shop, collection: orders, field: journal}
- {database: shop, collection: hidden, field: secret}
- {database: shop, collection: hidden, field: until, expire_after_days: 90, indexed: true}
`
)

// The rules are those of https://firebase.google.com/docs/firestore/query-data/index-overview.
func TestAQueryWithoutAnIndexIsRefused(t *testing.T) {
	t.Parallel()
	indexes, err := query.ParseIndexes([]byte(composites), []byte(exemptions))
	if err != nil {
		t.Fatal(err)
	}
	customer, status, late := where("customer", "==", 1), where("status", "==", 2), where("created", "<", 3)
	category, city, open := where("category", "==", 1), where("city", "in", list{1, 2}), unary("open", "is null")
	const add = "Add it to internal/store/indexes.yaml:\n- {database: shop, collection: "
	for name, c := range map[string]struct {
		q    *structured
		says string // "": it runs
	}{
		"all":                                {from("orders", nil), ""},
		"by name":                            {from("orders", nil, orderBy("__name__")), ""},
		"by name, downwards":                 {from("orders", nil, orderBy("-__name__")), "against the direction"},
		"names":                              {from("orders", where("__name__", ">", ref("orders/a"))), ""},
		"the name":                           {from("orders", and(where("__name__", "==", ref("orders/a")), status)), ""},
		"one field":                          {from("orders", status), ""},
		"two fields":                         {from("orders", and(status, customer)), ""},
		"a range":                            {from("orders", where("n", ">", 1)), ""},
		"two ranges of one field":            {from("orders", and(where("n", ">", 1), where("n", "<", 5))), ""},
		"a range, downwards":                 {from("orders", where("n", ">", 1), orderBy("-n")), ""},
		"all but one":                        {from("orders", where("n", "!=", 1)), ""},
		"not null":                           {from("orders", unary("n", "is not null")), ""},
		"ordered by one field":               {from("orders", nil, orderBy("-n", "-__name__")), ""},
		"names against":                      {from("orders", nil, orderBy("-n", "__name__")), "against the direction"},
		"ordered by two":                     {from("orders", nil, orderBy("n", "-m")), add + "orders, fields: [{name: n, order: asc}, {name: m, order: desc}]}"},
		"two ranges":                         {from("orders", and(where("n", ">", 1), where("m", ">", 1))), "[{name: m, order: asc}, {name: n, order: asc}]"},
		"range, ordered otherwise":           {from("orders", where("n", ">", 1), orderBy("m")), "[{name: m, order: asc}, {name: n, order: asc}]"},
		"two ranges with their index":        {from("places", where("name", ">", 1), orderBy("stars", "-name")), ""},
		"an exempted field":                  {from("orders", nil, orderBy("-created")), "fields.yaml"},
		"an exempted field, compared":        {from("orders", where("created", "==", 1)), "fields.yaml"},
		"an exempted field and another":      {from("orders", and(where("created", "==", 1), status)), "[{name: created, order: asc}, {name: status, order: asc}]"},
		"an exempted field, for its null":    {from("orders", unary("journal", "is null")), "fields.yaml"},
		"the elements of an exempted field":  {from("orders", where("journal", "contains", 1)), "journal"},
		"within an exempted map":             {from("hidden", where("secret.key", "==", 1)), "fields.yaml"},
		"within an exempted map, composite":  {from("hidden", and(where("secret.key", "==", 1), where("other", ">", 1))), ""},
		"exempted, merged":                   {from("hidden", and(where("secret.key", "==", 1), where("other", "==", 1), where("more", "==", 1))), ""},
		"beside an exempted map":             {from("hidden", where("secrets", "==", 1)), ""},
		"a field that expires":               {from("hidden", where("until", "<", 1)), ""},
		"equality and order":                 {from("orders", customer, orderBy("-created")), ""},
		"equality and order, names against":  {from("orders", customer, orderBy("-created", "__name__")), "against the direction"},
		"equality and order, upwards":        {from("orders", customer, orderBy("created")), add + "orders, fields: [{name: customer, order: asc}, {name: created, order: asc}]}"},
		"equality and range, upwards":        {from("orders", and(customer, late)), "[{name: customer, order: asc}, {name: created, order: asc}]"},
		"equality and range, downwards":      {from("orders", and(customer, late), orderBy("-created")), ""},
		"two equalities and order":           {from("orders", and(status, customer), orderBy("-created")), ""},
		"another equality and order":         {from("orders", status, orderBy("-created")), "[{name: status, order: asc}, {name: created, order: desc}]"},
		"too much equality":                  {from("orders", and(status, customer, where("n", "==", 1)), orderBy("-created")), "{name: n, order: asc}"},
		"equality, ordered by it":            {from("orders", status, orderBy("-status", "__name__")), ""},
		"equality, ordered by it and more":   {from("orders", customer, orderBy("customer", "-created")), ""},
		"merged indexes":                     {from("places", and(category, city), orderBy("stars")), ""},
		"three merged indexes":               {from("places", and(category, city, open), orderBy("stars")), ""},
		"merged indexes, downwards":          {from("places", and(category, city), orderBy("-stars")), "{name: stars, order: desc}"},
		"merged indexes and one that is not": {from("places", and(category, where("n", "==", 1)), orderBy("stars")), "{name: n, order: asc}"},
		"an order that equality leaves out":  {from("places", and(category, where("stars", "==", 1)), orderBy("stars")), ""},
		"names downwards by a composite":     {from("orders", and(customer, where("created", "==", 1)), orderBy("-__name__")), ""},
		"an element":                         {from("orders", where("tags", "contains", 1)), ""},
		"an element and equality":            {from("orders", and(where("tags", "contains", 1), status)), ""},
		"elements":                           {from("orders", where("tags", "contains any", list{1, 2})), ""},
		"an element and order":               {from("orders", where("tags", "contains", 1), orderBy("n")), "elements of tags"},
		"an element and a range":             {from("orders", and(where("tags", "contains", 1), customer, late), orderBy("-created")), "elements of tags"},
		"in":                                 {from("orders", where("status", "in", list{1, 2})), ""},
		"in and order":                       {from("orders", where("customer", "in", list{1, 2}), orderBy("-created")), ""},
		"or":                                 {from("orders", or(customer, status)), ""},
		"or and order":                       {from("orders", or(customer, status), orderBy("-created")), "[{name: status, order: asc}, {name: created, order: desc}]"},
		"or with a range":                    {from("orders", or(customer, where("n", ">", 1))), "[{name: customer, order: asc}, {name: n, order: asc}]"},
		"a group":                            {from("*/orders", nil), ""},
		"a group by name":                    {from("*/orders", where("__name__", ">", ref("orders/a")), orderBy("__name__")), ""},
		"a group, compared":                  {from("*/orders", status), "collection group orders"},
		"a group, ordered":                   {from("*/orders", nil, orderBy("n")), "collection group orders"},
		"a group, with its index elsewhere":  {from("*/orders", customer, orderBy("-created")), "collection group orders"},
		"a group, downwards":                 {from("*/orders", nil, orderBy("-__name__")), "collection group orders"},
		"everything":                         {from("*/", nil), ""},
		"a collection that nobody knows":     {from("other", customer, orderBy("-created")), add + "other, fields: [{name: customer, order: asc}, {name: created, order: desc}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := query.Parse("projects/p/databases/shop", "", relocated(c.q))
			if err != nil {
				t.Fatal(err)
			}
			checkRefusal(t, indexes.Check("projects/p/databases/shop", q), codes.FailedPrecondition, c.says)
			if err := (*query.Indexes)(nil).Check("projects/p/databases/shop", q); err != nil {
				t.Errorf("without strict mode: %v", err)
			}
		})
	}
	q, err := query.Parse(project, "", from("orders", customer, orderBy("-created")))
	if err != nil {
		t.Fatal(err)
	}
	checkRefusal(t, indexes.Check(project, q), codes.FailedPrecondition, "database: (default)")
}

func TestAnIndexThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ indexes, fields string }{
		"no YAML":              {"]", ""},
		"no list":              {"a: 1", ""},
		"an unknown word":      {"- {database: d, collection: c, scope: group, fields: []}", ""},
		"one field":            {"- {database: d, collection: c, fields: [{name: a, order: asc}]}", ""},
		"no order":             {"- {database: d, collection: c, fields: [{name: a, order: asc}, {name: b}]}", ""},
		"another order":        {"- {database: d, collection: c, fields: [{name: a, order: asc}, {name: b, order: up}]}", ""},
		"no path":              {"- {database: d, collection: c, fields: [{name: a, order: asc}, {name: b., order: asc}]}", ""},
		"no field":             {"", "- {database: d, collection: c}"},
		"an unknown word here": {"", "- {database: d, collection: c, field: a, index: true}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := query.ParseIndexes([]byte(c.indexes), []byte(c.fields)); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := query.ParseIndexes(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestThisProjectsIndexesAreRead(t *testing.T) {
	t.Parallel()
	i, err := query.ParseIndexes(read(t, "indexes.yaml"), read(t, "fields.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const orders = "projects/p/databases/orders"
	for _, s := range []*structured{
		from("orders", where("customer_id", "==", "x"), orderBy("-create_time", "-__name__")),
		from("orders", and(where("sweep_shard", "==", 1), where("next_attempt_time", "<=", 1)), orderBy("next_attempt_time")),
	} {
		q, err := query.Parse(orders, "", s)
		if err != nil {
			t.Fatal(err)
		}
		if err := i.Check(orders, q); err != nil {
			t.Error(err)
		}
	}
}

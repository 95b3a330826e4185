package rows

import "slices"

// Kind is what a file's rows are.
type Kind string

// The kinds. A file of which nothing is said is of orders.
const (
	Orders    Kind = ""          // what is ordered
	Catalogue Kind = "catalogue" // what there is to order: names, prices and physical stock
)

// schema is what all files of a kind have in common.
type schema struct {
	columns []column // the first is what rows are told apart by
	needed  int      // that many of them, from the first, must be there
	parse   func(row *Row, f *fields, l Limits) violations
}

var schemas = map[Kind]schema{
	Orders: {
		columns: []column{orderRef, customerID, sku, quantity, unitPrice, currency, paymentMethod, note}, needed: 4,
		parse: (*Row).parseOrder,
	},
	Catalogue: {columns: []column{sku, name, unitPrice, currency, stock}, needed: 5, parse: (*Row).parseItem},
}

func (s schema) required() []column { return s.columns[:s.needed] }

// named is one of the kind's columns by our own name.
func (s schema) named(name string) (column, bool) {
	i := slices.IndexFunc(s.columns, func(c column) bool { return c.String() == name })
	if i < 0 {
		return 0, false
	}
	return s.columns[i], true
}

func listedColumns(columns []column) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.String()
	}
	return listed(names)
}

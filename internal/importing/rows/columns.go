package rows

import (
	"encoding/json"
	"strings"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// column is one of ours. Their names are those of a file's header if nothing else is said.
type column int

const (
	orderRef column = iota
	customerID
	sku
	quantity
	unitPrice
	currency
	paymentMethod
	note
	name
	stock
	columnCount
)

var columnNames = [columnCount]string{
	"order_ref", "customer_id", "sku", "quantity", "unit_price", "currency", "payment_method", "note", "name", "stock",
}

func (c column) String() string { return columnNames[c] }

// fields are a row's texts by column; empty where there is none.
type fields [columnCount]string

// Columns says how a partner's columns are to be understood. Its JSON is a partner's columns.json.
type Columns struct {
	Kind     Kind              `json:"kind,omitempty"`     // of the file; not for a partner to say
	Names    map[string]string `json:"columns,omitempty"`  // from the file's name, whatever its case, to ours
	Defaults map[string]string `json:"defaults,omitempty"` // by our name: values of columns that the file does not have
}

// ParseColumns reads a columns.json for files of a kind. Everything in it must be understood.
func ParseColumns(kind Kind, data []byte) (Columns, error) {
	c := Columns{Kind: kind, Names: map[string]string{}, Defaults: map[string]string{}}
	parts := map[string]map[string]string{"columns": c.Names, "defaults": c.Defaults}
	err := members(string(data), func(part string, value json.RawMessage) error {
		into, ok := parts[part]
		if !ok {
			return badColumns("%s is not known: it has columns and defaults", quote(part))
		}
		delete(parts, part)
		return texts(part, string(value), into)
	})
	if err != nil {
		return Columns{}, fault.Wrap(err, codes.InvalidArgument, "bad_columns", "columns.json cannot be used")
	}
	if _, err := c.lookup(); err != nil {
		return Columns{}, fault.Wrap(err, codes.InvalidArgument, "bad_columns", "columns.json cannot be used")
	}
	return c, nil
}

// texts reads an object of strings.
func texts(part, data string, into map[string]string) error {
	return members(data, func(name string, value json.RawMessage) error {
		var text *string
		if json.Unmarshal(value, &text) != nil || text == nil {
			return badColumns("%s: the value of %s must be a string", part, quote(name))
		}
		if _, twice := into[name]; twice {
			return badColumns("%s has %s twice", part, quote(name))
		}
		into[name] = *text
		return nil
	})
}

func badColumns(format string, args ...any) error {
	return fault.New(codes.InvalidArgument, "bad_columns", format, args...)
}

// lookup is Columns made ready for use.
type lookup struct {
	schema
	names    map[string]column // by normal name
	defaults fields
}

// normal is what two spellings of a column's name have in common.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func (c Columns) lookup() (lookup, error) {
	s := schemas[c.Kind]
	l := lookup{schema: s, names: make(map[string]column, len(s.columns)+len(c.Names))}
	theirs := map[string]column{}
	for _, name := range sorted(c.Names) {
		ours, ok := s.named(c.Names[name])
		if !ok {
			return lookup{}, badColumns("columns: %s is to be %s, which is none of %s", quote(name), quote(c.Names[name]), listedColumns(s.columns))
		}
		if other, twice := theirs[normal(name)]; twice && other != ours {
			return lookup{}, badColumns("columns: %s is to be both %s and %s", quote(name), other, ours)
		}
		theirs[normal(name)] = ours
	}
	for _, c := range s.columns {
		l.names[c.String()] = c
	}
	for name, ours := range theirs {
		l.names[name] = ours
	}
	return l, l.setDefaults(c.Defaults)
}

func (l *lookup) setDefaults(defaults map[string]string) error {
	for _, name := range sorted(defaults) {
		ours, ok := l.named(name)
		switch {
		case !ok:
			return badColumns("defaults: %s is none of %s", quote(name), listedColumns(l.columns))
		case ours == l.columns[0]:
			return badColumns("defaults: every row needs an %s of its own", ours)
		}
		l.defaults[ours] = strings.TrimSpace(defaults[name])
	}
	return l.checkDefaults()
}

// checkDefaults refuses a value with which every row would be refused.
func (l *lookup) checkDefaults() error {
	var row Row
	for _, v := range l.parse(&row, &l.defaults, Limits{}.withDefaults()) {
		if c, _ := l.named(v.Name); l.defaults[c] != "" {
			return badColumns("defaults: %s %s", v.Name, v.Message)
		}
	}
	return nil
}

func (l *lookup) column(name string) (column, bool) {
	c, ok := l.names[normal(name)]
	return c, ok
}

package aip

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// List tells how the resources T of a collection are listed.
type List[T any] struct {
	// Fields may be named by filters and orders, in any spelling: the keys are in
	// lower case, without underscores.
	Fields map[string]Field[T]
	// Last orders what an order leaves equal, and everything if there is none. No
	// two resources may be equal in it. Newest says from high to low.
	Last   Field[T]
	Newest bool
	// Default and Most are how many resources a page has that is asked for without
	// a size, or for more.
	Default, Most int
}

// Request is what a caller asks of a list.
type Request struct {
	Filter, OrderBy string
	Token           string // of the page before
	Size            int    // 0 for the default
	Skip            int    // resources left out after the token
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // token of the next page, empty on the last one
	Total int    // what the filter takes, on all pages
}

// Page gives the page of some resources that a request asks for. Its token tells
// the last resource's place in the order, so it stays valid whatever becomes of
// that resource. The error says what is wrong with the request.
func (l List[T]) Page(items []T, r Request) (Page[T], error) {
	order, err := l.order(r.OrderBy)
	if err != nil {
		return Page[T]{}, err
	}
	taken, err := fields[T](l.Fields).filter(r.Filter)
	if err != nil {
		return Page[T]{}, err
	}
	if r.Size < 0 || r.Skip < 0 {
		return Page[T]{}, fmt.Errorf("neither page size %d nor skip %d may be negative", r.Size, r.Skip)
	}
	after, err := order.read(r)
	if err != nil {
		return Page[T]{}, err
	}
	all := order.sort(items, taken)
	out := Page[T]{Total: len(all)}
	if after != nil {
		i, found := slices.BinarySearchFunc(all, after, func(p placed[T], at []any) int { return order.compare(p.at, at) })
		if found {
			i++
		}
		all = all[i:]
	}
	all = all[min(r.Skip, len(all)):]
	n := min(l.size(r.Size), len(all))
	for _, p := range all[:n] {
		out.Items = append(out.Items, p.item)
	}
	if n < len(all) {
		out.Next = order.token(r, all[n-1].at)
	}
	return out, nil
}

// placed is a resource and where it is in an order.
type placed[T any] struct {
	item T
	at   []any
}

// sort gives the resources that a filter takes, in order.
func (o order[T]) sort(items []T, taken func(T) bool) (out []placed[T]) {
	for _, t := range items {
		if taken(t) {
			out = append(out, placed[T]{t, o.place(t)})
		}
	}
	slices.SortFunc(out, func(a, b placed[T]) int { return o.compare(a.at, b.at) })
	return out
}

func (l List[T]) size(asked int) int {
	if asked == 0 {
		return l.Default
	}
	return min(asked, l.Most)
}

// order is a list of fields to sort by, each from low to high or not.
type order[T any] []by[T]

type by[T any] struct {
	field Field[T]
	desc  bool
}

// order reads "field, other desc". What is unset comes before what is set.
func (l List[T]) order(text string) (order[T], error) {
	var out order[T]
	if strings.TrimSpace(text) != "" {
		for part := range strings.SplitSeq(text, ",") {
			b, err := l.by(part)
			if err != nil {
				return nil, fmt.Errorf("order by %q: %w", text, err)
			}
			out = append(out, b)
		}
	}
	return append(out, by[T]{l.Last, l.Newest}), nil
}

func (l List[T]) by(text string) (b by[T], err error) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && words[1] != "asc" && words[1] != "desc" {
		return b, fmt.Errorf("%q is not a field, or a field with asc or desc", text)
	}
	b.desc = len(words) == 2 && words[1] == "desc"
	b.field, err = fields[T](l.Fields).find(words[0])
	if err == nil && !b.field.sorts {
		err = fmt.Errorf("nothing is ordered by field %q", words[0])
	}
	return b, err
}

// place is where a resource is in the order.
func (o order[T]) place(t T) []any {
	out := make([]any, len(o))
	for i, b := range o {
		out[i] = b.field.value(t)
	}
	return out
}

func (o order[T]) compare(x, y []any) int {
	for i, b := range o {
		n := 0
		switch {
		case x[i] != nil && y[i] != nil:
			n = b.field.compare(x[i], y[i])
		case x[i] != nil:
			n = 1
		case y[i] != nil:
			n = -1
		}
		if b.desc {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// token is what a page token holds: the request it belongs to, and a place.
type token struct {
	Request uint32
	After   []*string
}

// sum tells requests apart: all parameters but the page's must be the same.
func (r Request) sum() uint32 {
	h := fnv.New32a()
	fmt.Fprintf(h, "%q %q", r.Filter, r.OrderBy)
	return h.Sum32()
}

func (o order[T]) token(r Request, last []any) string {
	t := token{Request: r.sum()}
	for i, v := range last {
		var text *string
		if v != nil {
			text = new(o[i].field.text(v))
		}
		t.After = append(t.After, text)
	}
	b, _ := json.Marshal(t)
	return base64.RawURLEncoding.EncodeToString(b)
}

// read gives the place of a token, nil without one.
func (o order[T]) read(r Request) ([]any, error) {
	if r.Token == "" {
		return nil, nil
	}
	var t token
	b, err := base64.RawURLEncoding.DecodeString(r.Token)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return nil, fmt.Errorf("page token %q is not valid", r.Token)
	}
	if t.Request != r.sum() || len(t.After) != len(o) {
		return nil, fmt.Errorf("page token %q belongs to a list with another filter or order", r.Token)
	}
	out := make([]any, len(o))
	for i, text := range t.After {
		if text == nil {
			continue
		}
		if out[i], err = o[i].field.literal(*text); err != nil {
			return nil, fmt.Errorf("page token %q is not valid: %w", r.Token, err)
		}
	}
	return out, nil
}

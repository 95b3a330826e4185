package aip

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Field is a field of the resource T that filters and orders may name. Values
// are compared as what they are, not as text.
type Field[T any] struct {
	value   func(T) any // nil if the field is unset
	compare func(a, b any) int
	literal func(text string) (any, error)
	text    func(v any) string        // the inverse of literal
	entries func(T) map[string]string // only of a map
	sorts   bool                      // also in an order
	ordered bool                      // knows < and >
}

// Text is a string, ordered by bytes. Its filters know a * at either end, and :
// finds a part of it.
func Text[T any](of func(T) string) Field[T] {
	return Field[T]{
		value:   func(t T) any { return of(t) },
		compare: func(a, b any) int { return strings.Compare(a.(string), b.(string)) },
		literal: func(s string) (any, error) { return s, nil },
		text:    func(v any) string { return v.(string) },
		sorts:   true, ordered: true,
	}
}

// Enum is one of some names and sorts in their order; a filter may only compare
// it for equality (AIP-160).
func Enum[T any](of func(T) string, names ...string) Field[T] {
	f := Text(of)
	f.ordered = false
	f.compare = func(a, b any) int {
		return cmp.Compare(slices.Index(names, a.(string)), slices.Index(names, b.(string)))
	}
	f.literal = func(s string) (any, error) {
		if !slices.Contains(names, s) {
			return nil, fmt.Errorf("%q is none of %s", s, strings.Join(names, ", "))
		}
		return s, nil
	}
	return f
}

// Time is a time that is unset while it is zero. A filter writes it as in RFC
// 3339 or as a date, which is its first moment in UTC.
func Time[T any](of func(T) time.Time) Field[T] {
	return Field[T]{
		value: func(t T) any {
			if at := of(t); !at.IsZero() {
				return at
			}
			return nil
		},
		compare: func(a, b any) int { return a.(time.Time).Compare(b.(time.Time)) },
		literal: parseTime,
		text:    func(v any) string { return v.(time.Time).Format(time.RFC3339Nano) },
		sorts:   true, ordered: true,
	}
}

func parseTime(s string) (any, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%q is no time like 2026-01-31 or 2026-01-31T08:00:00Z", s)
}

// Duration is a duration, unset if of says false. A filter writes it as seconds,
// 1.5s.
func Duration[T any](of func(T) (time.Duration, bool)) Field[T] {
	return Field[T]{
		value: func(t T) any {
			if d, ok := of(t); ok {
				return d
			}
			return nil
		},
		compare: func(a, b any) int { return cmp.Compare(a.(time.Duration), b.(time.Duration)) },
		literal: func(s string) (any, error) {
			number, ok := strings.CutSuffix(s, "s")
			d, err := time.ParseDuration(s)
			if !ok || err != nil || strings.Trim(number, "-+.0123456789") != "" {
				return nil, fmt.Errorf("%q is no duration like 20s or 1.5s", s)
			}
			return d, nil
		},
		text: func(v any) string {
			d := v.(time.Duration)
			return fmt.Sprintf("%d.%09ds", d/time.Second, d%time.Second)
		},
		sorts: true, ordered: true,
	}
}

// Int is a whole number.
func Int[T any](of func(T) int64) Field[T] {
	return Field[T]{
		value:   func(t T) any { return of(t) },
		compare: func(a, b any) int { return cmp.Compare(a.(int64), b.(int64)) },
		literal: func(s string) (any, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%q is no whole number", s)
			}
			return n, nil
		},
		text:  func(v any) string { return strconv.FormatInt(v.(int64), 10) },
		sorts: true, ordered: true,
	}
}

// Bool is true or false.
func Bool[T any](of func(T) bool) Field[T] {
	return Enum(func(t T) string { return strconv.FormatBool(of(t)) }, "false", "true")
}

// Map is a map of strings: labels.key = "value", labels.key:* and labels:key are
// what a filter may ask. It is in no order.
func Map[T any](of func(T) map[string]string) Field[T] { return Field[T]{entries: of} }

// FilterOnly is the field as one that no order may name.
func (f Field[T]) FilterOnly() Field[T] {
	f.sorts = false
	return f
}

// entry is the value that a map has for a key.
func (f Field[T]) entry(key string) Field[T] {
	g := Text(func(T) string { return "" })
	g.value = func(t T) any {
		if v, ok := f.entries(t)[key]; ok {
			return v
		}
		return nil
	}
	return g
}

// predicate compares the field with a literal as an operator says. What is unset
// differs from every value and is in no order with it.
func (f Field[T]) predicate(op, text string) (func(T) bool, error) {
	switch {
	case f.entries != nil && op != ":":
		return nil, errors.New("a map is compared by its keys, as in labels.key = \"value\"")
	case f.entries != nil:
		return func(t T) bool { _, ok := f.entries(t)[text]; return ok || text == "*" && len(f.entries(t)) > 0 }, nil
	case op == ":" && text == "*":
		return func(t T) bool { v := f.value(t); return v != nil && v != "" }, nil
	case !f.ordered && strings.ContainsAny(op, "<>"):
		return nil, fmt.Errorf("operator %s does not fit the field", op)
	}
	want, err := f.literal(text)
	if err != nil {
		return nil, err
	}
	if s, ok := want.(string); ok && f.ordered && !strings.ContainsAny(op, "<>") {
		return f.matches(op, s), nil
	}
	return func(t T) bool {
		v := f.value(t)
		if v == nil {
			return op == "!="
		}
		return holds(op, f.compare(v, want))
	}, nil
}

// matches is =, != and : of text.
func (f Field[T]) matches(op, pattern string) func(T) bool {
	test := wildcard(pattern)
	if op == ":" {
		test = func(s string) bool { return strings.Contains(s, pattern) }
	}
	return func(t T) bool {
		s, ok := f.value(t).(string)
		return (ok && test(s)) != (op == "!=")
	}
}

// wildcard tests for equality, with * at the ends for anything.
func wildcard(pattern string) func(string) bool {
	tail, before := strings.CutPrefix(pattern, "*")
	part, after := strings.CutSuffix(tail, "*")
	switch {
	case before && after:
		return func(s string) bool { return strings.Contains(s, part) }
	case before:
		return func(s string) bool { return strings.HasSuffix(s, part) }
	case after:
		return func(s string) bool { return strings.HasPrefix(s, part) }
	}
	return func(s string) bool { return s == pattern }
}

func holds(op string, order int) bool {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "!=":
		return order != 0
	}
	return order == 0
}

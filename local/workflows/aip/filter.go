package aip

import (
	"errors"
	"fmt"
	"strings"
)

// maxFilterBytes bounds a filter, and with it how deep its parentheses nest.
const maxFilterBytes = 4096

// fields are by their name in lower case without underscores, so that
// workflowRevisionId, workflowRevisionID and workflow_revision_id are one.
type fields[T any] map[string]Field[T]

func (l fields[T]) find(name string) (Field[T], error) {
	f, ok := l[strings.ToLower(strings.ReplaceAll(name, "_", ""))]
	if !ok {
		return f, fmt.Errorf("there is no field %q", name)
	}
	return f, nil
}

// filter reads a filter; the empty one takes everything. A word without an
// operator, which AIP-160 lets a service search for in fields of its choice, is
// refused.
func (l fields[T]) filter(text string) (func(T) bool, error) {
	if len(text) > maxFilterBytes {
		return nil, fmt.Errorf("filter has %d bytes, the limit is %d", len(text), maxFilterBytes)
	}
	p := &parser[T]{fields: l, text: text}
	if p.space(); p.at == len(text) {
		return func(T) bool { return true }, nil
	}
	f, err := p.expression()
	if err == nil && p.at < len(text) {
		err = fmt.Errorf("unexpected %q", text[p.at:])
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q, column %d: %w", text, p.at+1, err)
	}
	return f, nil
}

// parser reads a filter from left to right and stays where it fails.
type parser[T any] struct {
	fields fields[T]
	text   string
	at     int
}

// expression is factor { [AND] factor }. OR binds tighter than AND (AIP-160).
func (p *parser[T]) expression() (func(T) bool, error) {
	left, err := p.factor()
	for err == nil && p.at < len(p.text) && p.text[p.at] != ')' {
		p.keyword("AND")
		var right func(T) bool
		if right, err = p.factor(); err == nil {
			left = both(left, right)
		}
	}
	return left, err
}

// factor is term { OR term }.
func (p *parser[T]) factor() (func(T) bool, error) {
	left, err := p.term()
	for err == nil && p.keyword("OR") {
		var right func(T) bool
		if right, err = p.term(); err == nil {
			left = either(left, right)
		}
	}
	return left, err
}

func negation[T any](f func(T) bool) func(T) bool  { return func(t T) bool { return !f(t) } }
func both[T any](a, b func(T) bool) func(T) bool   { return func(t T) bool { return a(t) && b(t) } }
func either[T any](a, b func(T) bool) func(T) bool { return func(t T) bool { return a(t) || b(t) } }

// term is [NOT | -] ( "(" expression ")" | restriction ).
func (p *parser[T]) term() (f func(T) bool, err error) {
	not := p.keyword("NOT") || p.symbol("-")
	if p.symbol("(") {
		if f, err = p.expression(); err == nil && !p.symbol(")") {
			err = errors.New("a parenthesis is not closed")
		}
	} else {
		f, err = p.restriction()
	}
	if err != nil || !not {
		return f, err
	}
	return negation(f), nil
}

// restriction is field { "." key } operator value.
func (p *parser[T]) restriction() (func(T) bool, error) {
	start := p.at
	field, err := p.field()
	if err != nil {
		return nil, err
	}
	op := p.operator()
	if op == "" {
		return nil, fmt.Errorf("one of the operators = != < <= > >= : must follow %q", p.text[start:p.at])
	}
	value, err := p.value(" \t\r\n()")
	if err != nil {
		return nil, err
	}
	f, err := field.predicate(op, value)
	if err != nil {
		p.at = start
	}
	return f, err
}

func (p *parser[T]) field() (Field[T], error) {
	name := p.word(" \t\r\n().=!<>:\"'")
	f, err := p.fields.find(name)
	if err != nil {
		p.at -= len(name)
		return f, err
	}
	if f.entries == nil || !strings.HasPrefix(p.text[p.at:], ".") {
		return f, nil
	}
	p.at++
	key, err := p.value(" \t\r\n().=!<>:\"'")
	return f.entry(key), err
}

func (p *parser[T]) operator() string {
	p.space()
	for _, op := range []string{"<=", ">=", "!=", "<", ">", "=", ":"} {
		if p.symbol(op) {
			return op
		}
	}
	return ""
}

// value is a string in quotes, or a word that ends before one of some bytes.
func (p *parser[T]) value(ends string) (string, error) {
	p.space()
	if p.at < len(p.text) && strings.IndexByte(`"'`, p.text[p.at]) >= 0 {
		return p.quoted()
	}
	w := p.word(ends)
	if w == "" {
		return "", errors.New("a value is missing")
	}
	p.space()
	return w, nil
}

// quoted reads a string; a backslash takes the byte after it as it is.
func (p *parser[T]) quoted() (string, error) {
	quote := p.text[p.at]
	var s strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == quote:
			p.at = i + 1
			p.space()
			return s.String(), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			s.WriteByte(p.text[i])
		default:
			s.WriteByte(c)
		}
	}
	return "", errors.New("a quote is not closed")
}

func (p *parser[T]) word(ends string) string {
	n := strings.IndexAny(p.text[p.at:], ends)
	if n < 0 {
		n = len(p.text) - p.at
	}
	w := p.text[p.at : p.at+n]
	p.at += n
	return w
}

// keyword takes a word that nothing but a space or a parenthesis follows.
func (p *parser[T]) keyword(word string) bool {
	rest, ok := strings.CutPrefix(p.text[p.at:], word)
	if !ok || rest != "" && !strings.ContainsAny(rest[:1], " \t\r\n(") {
		return false
	}
	p.at += len(word)
	p.space()
	return true
}

func (p *parser[T]) symbol(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	p.space()
	return true
}

func (p *parser[T]) space() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeft(p.text[p.at:], " \t\r\n"))
}

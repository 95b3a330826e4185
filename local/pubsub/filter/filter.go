// Package filter is Pub/Sub's filter language, by which a subscription gets only messages with certain attributes:
// attributes:key, attributes.key = "value", attributes.key != "value", hasPrefix(attributes.key, "prefix"), AND, OR,
// NOT (or a minus sign) and parentheses (https://cloud.google.com/pubsub/docs/subscription-message-filter).
package filter

import (
	"errors"
	"fmt"
	"strings"
)

// MaxBytes is the longest filter that Pub/Sub takes. It bounds the nesting, too.
const MaxBytes = 256

// Filter decides by a message's attributes whether it is delivered. Many goroutines may call it at once.
type Filter func(attributes map[string]string) bool

// Parse reads a filter; the empty one takes every message. It refuses what is not in the language, because a filter
// that means something else here than in production would be worse than none. The error names the filter.
func Parse(text string) (Filter, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("filter %q: longer than %d bytes", text, MaxBytes)
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	return f, nil
}

func parse(text string) (Filter, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	if p.peek().kind == end {
		return func(map[string]string) bool { return true }, nil
	}
	f, err := p.expression()
	if err == nil && p.peek().kind != end {
		err = fmt.Errorf("unexpected %s", p.peek())
	}
	return f, err
}

type parser struct {
	tokens []token
	next   int
}

func (p *parser) peek() token { return p.tokens[p.next] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != end {
		p.next++
	}
	return t
}

// accept takes the next token if it is the word or symbol.
func (p *parser) accept(text string) bool {
	if t := p.peek(); t.kind == quoted || t.kind == end || t.text != text {
		return false
	}
	p.next++
	return true
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return fmt.Errorf("want %q, found %s", text, p.peek())
	}
	return nil
}

// expression is term { AND term } or term { OR term }. Pub/Sub has no precedence between the two and wants parentheses.
func (p *parser) expression() (Filter, error) {
	all, err := p.term()
	if err != nil {
		return nil, err
	}
	operator := ""
	for p.peek().is("AND") || p.peek().is("OR") {
		op := p.take().text
		if operator != "" && op != operator {
			return nil, errors.New("AND and OR need parentheses between them")
		}
		operator = op
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		all = combine(op, all, right)
	}
	return all, nil
}

func combine(operator string, left, right Filter) Filter {
	if operator == "AND" {
		return func(a map[string]string) bool { return left(a) && right(a) }
	}
	return func(a map[string]string) bool { return left(a) || right(a) }
}

func negate(f Filter, err error) (Filter, error) {
	return func(a map[string]string) bool { return !f(a) }, err
}

func (p *parser) term() (Filter, error) {
	switch {
	case p.accept("NOT"), p.accept("-"):
		return negate(p.term())
	case p.accept("("):
		f, err := p.expression()
		if err != nil {
			return nil, err
		}
		return f, p.expect(")")
	case p.accept("hasPrefix"):
		return p.hasPrefix()
	case p.accept("attributes"):
		return p.attribute()
	}
	return nil, fmt.Errorf("unsupported %s", p.peek())
}

// attribute follows the word attributes: .key = "value", .key != "value" or :key.
func (p *parser) attribute() (Filter, error) {
	if p.accept(":") {
		key, err := p.key()
		return func(a map[string]string) bool { _, ok := a[key]; return ok }, err
	}
	key, err := p.dotKey()
	if err != nil {
		return nil, err
	}
	if p.accept("!=") {
		return negate(p.equals(key))
	}
	if err := p.expect("="); err != nil {
		return nil, err
	}
	return p.equals(key)
}

func (p *parser) equals(key string) (Filter, error) {
	value, err := p.value()
	return func(a map[string]string) bool { v, ok := a[key]; return ok && v == value }, err
}

// hasPrefix follows the function's name: (attributes.key, "prefix").
func (p *parser) hasPrefix() (Filter, error) {
	for _, text := range []string{"(", "attributes"} {
		if err := p.expect(text); err != nil {
			return nil, err
		}
	}
	key, err := p.dotKey()
	if err != nil {
		return nil, err
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	prefix, err := p.value()
	if err != nil {
		return nil, err
	}
	match := func(a map[string]string) bool { v, ok := a[key]; return ok && strings.HasPrefix(v, prefix) }
	return match, p.expect(")")
}

func (p *parser) dotKey() (string, error) {
	if err := p.expect("."); err != nil {
		return "", err
	}
	return p.key()
}

// key may go without quotes if it has letters, digits, hyphens and underscores only.
func (p *parser) key() (string, error) {
	t := p.take()
	if t.kind != quoted && t.kind != word {
		return "", fmt.Errorf("want an attribute's name, found %s", t)
	}
	return t.text, nil
}

func (p *parser) value() (string, error) {
	t := p.take()
	if t.kind != quoted {
		return "", fmt.Errorf("want a quoted string, found %s", t)
	}
	return t.text, nil
}

package eventarc

import (
	"errors"
	"fmt"
	"strings"
)

// filter decides by a message's attributes whether it is delivered.
type filter func(attributes map[string]string) bool

const maxFilterBytes = 256 // Pub/Sub's limit, which also bounds the nesting

// parseFilter understands Pub/Sub's filter language as far as messages are
// concerned: attributes."k" = "v", attributes:"k", hasPrefix(attributes."k", "v"),
// AND, OR, NOT and parentheses. It refuses everything else, because a filter
// that means something else here than in production would be worse than none.
func parseFilter(text string) (filter, error) {
	if strings.TrimSpace(text) == "" {
		return func(map[string]string) bool { return true }, nil
	}
	if len(text) > maxFilterBytes {
		return nil, fmt.Errorf("filter %q: longer than %d bytes", text, maxFilterBytes)
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	p := &parser{tokens: tokens}
	f, err := p.expression()
	if err == nil && p.peek().kind != end {
		err = fmt.Errorf("unexpected %s", p.peek())
	}
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	return f, nil
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
	if t := p.peek(); t.kind == quoted || t.text != text || t.kind == end {
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

// expression is term { AND term } or term { OR term }. Pub/Sub has no precedence
// between the two and wants parentheses.
func (p *parser) expression() (filter, error) {
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
		left := all
		right, err := p.term()
		if err != nil {
			return nil, err
		}
		all = combine(op, left, right)
	}
	return all, nil
}

func combine(operator string, left, right filter) filter {
	if operator == "AND" {
		return func(a map[string]string) bool { return left(a) && right(a) }
	}
	return func(a map[string]string) bool { return left(a) || right(a) }
}

func (p *parser) term() (filter, error) {
	switch {
	case p.accept("NOT"):
		f, err := p.term()
		if err != nil {
			return nil, err
		}
		return func(a map[string]string) bool { return !f(a) }, nil
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

// attribute follows the word attributes: .key = "value" or :key.
func (p *parser) attribute() (filter, error) {
	if p.accept(":") {
		key, err := p.key()
		return func(a map[string]string) bool { _, ok := a[key]; return ok }, err
	}
	key, err := p.dotKey()
	if err != nil {
		return nil, err
	}
	if err := p.expect("="); err != nil {
		return nil, err
	}
	value, err := p.value()
	return func(a map[string]string) bool { v, ok := a[key]; return ok && v == value }, err
}

// hasPrefix follows the function's name: (attributes.key, "prefix").
func (p *parser) hasPrefix() (filter, error) {
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

// key may go without quotes if it looks like an identifier.
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

package expr

import "strconv"

// primary parses a literal, a name, a list or a parenthesis.
func (p *parser) primary() (Expr, error) {
	t := p.peek()
	at := At(t.pos)
	switch t.kind {
	case tokName:
		return p.name()
	case tokString:
		p.take()
		return &Literal{at, t.text}, nil
	case tokInt:
		p.take()
		i, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return nil, syntaxErrorf(t.pos, "write it as a double, e.g. 1e19", "integer %s does not fit 64 bits", t.text)
		}
		return &Literal{at, i}, nil
	case tokDouble:
		p.take()
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, syntaxErrorf(t.pos, "", "number %s is out of range", t.text)
		}
		return &Literal{at, f}, nil
	}
	return p.bracketed()
}

func (p *parser) bracketed() (Expr, error) {
	at := At(p.peek().pos)
	switch {
	case p.accept("("):
		e, err := p.binary(1)
		if err != nil {
			return nil, err
		}
		return e, p.expect(")")
	case p.accept("["):
		items, err := p.list("]")
		return &List{at, items}, err
	}
	return nil, p.unexpected()
}

func (p *parser) name() (Expr, error) {
	t := p.peek()
	at := At(t.pos)
	switch words[t.text] {
	case "true", "false":
		p.take()
		return &Literal{at, words[t.text] == "true"}, nil
	case "null":
		p.take()
		return &Literal{at, nil}, nil
	case "":
		p.take()
		return &Name{at, t.text}, nil
	}
	return nil, p.unexpected()
}

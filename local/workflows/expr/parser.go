package expr

// maxNesting bounds recursion. No expression of the 400 characters that the
// service takes and that means anything nests this deep.
const maxNesting = 100

// Parse reads the text of an expression, without "${" and "}". The error is a
// [*SyntaxError].
func Parse(src string) (Expr, error) {
	toks, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks}
	e, err := p.binary(1)
	if err != nil {
		return nil, err
	}
	if p.peek().kind != tokEOF {
		return nil, p.unexpected()
	}
	return e, nil
}

type parser struct {
	toks  []token
	i     int
	depth int
}

func (p *parser) peek() token { return p.toks[p.i] }

func (p *parser) take() token {
	t := p.toks[p.i]
	if t.kind != tokEOF {
		p.i++
	}
	return t
}

// accept takes the next token if it is the punctuation text.
func (p *parser) accept(text string) bool {
	if t := p.peek(); t.kind != tokPunct || t.text != text {
		return false
	}
	p.i++
	return true
}

func (p *parser) expect(text string) error {
	if p.accept(text) {
		return nil
	}
	if t := p.peek(); t.kind == tokEOF {
		return syntaxErrorf(t.pos, "", "expression ends where %q is expected", text)
	}
	return syntaxErrorf(p.peek().pos, "", "expected %q, found %q", text, p.peek().text)
}

func (p *parser) unexpected() *SyntaxError {
	t := p.peek()
	if t.kind == tokEOF {
		return syntaxErrorf(t.pos, "", "expression ends where a value is expected")
	}
	hint := ""
	if t.kind == tokName && words[t.text] == "not" {
		hint = `"not in" does not exist, write not(x in y)`
	}
	return syntaxErrorf(t.pos, hint, "unexpected %q", t.text)
}

// operator gives the binary operator at the current token, or "".
func (p *parser) operator() string {
	t := p.peek()
	op := t.text
	switch t.kind {
	case tokName:
		op = words[op]
	case tokPunct:
	default:
		return ""
	}
	if precedence[op] == 0 {
		return ""
	}
	return op
}

// binary parses operators of at least the given level, all left associative.
func (p *parser) binary(level int) (Expr, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, syntaxErrorf(p.peek().pos, "", "expression nests deeper than %d levels", maxNesting)
	}
	defer func() { p.depth-- }()
	x, err := p.prefix()
	if err != nil {
		return nil, err
	}
	for {
		op := p.operator()
		if op == "" || precedence[op] < level {
			return x, nil
		}
		at := At(p.take().pos)
		y, err := p.binary(precedence[op] + 1)
		if err != nil {
			return nil, err
		}
		x = &Binary{at, op, x, y}
	}
}

func (p *parser) prefix() (Expr, error) {
	var ops []token
	for {
		t := p.peek()
		minus := t.kind == tokPunct && t.text == "-"
		not := t.kind == tokName && words[t.text] == "not"
		if !minus && !not {
			break
		}
		if len(ops) == maxNesting {
			return nil, syntaxErrorf(t.pos, "", "too many prefix operators")
		}
		ops = append(ops, p.take())
	}
	x, err := p.postfix()
	if err != nil {
		return nil, err
	}
	for i := len(ops) - 1; i >= 0; i-- {
		op := "-"
		if ops[i].kind == tokName {
			op = "not"
		}
		x = &Unary{At(ops[i].pos), op, x}
	}
	return x, nil
}

func (p *parser) postfix() (Expr, error) {
	x, err := p.primary()
	for err == nil {
		at := At(p.peek().pos)
		switch {
		case p.accept("."):
			t := p.take()
			if t.kind != tokName {
				return nil, syntaxErrorf(t.pos, `keys that are not names need brackets: m["key"]`, "expected a name after %q", ".")
			}
			x = &Member{at, x, t.text}
		case p.accept("["):
			var key Expr
			if key, err = p.binary(1); err == nil {
				err = p.expect("]")
			}
			x = &Index{at, x, key}
		case p.accept("("):
			x, err = p.call(x, at)
		default:
			return x, nil
		}
	}
	return nil, err
}

// call parses the arguments of a call; only a plain or dotted name is callable.
func (p *parser) call(callee Expr, at At) (Expr, error) {
	name, ok := Path(callee)
	if !ok {
		return nil, syntaxErrorf(int(at), "", "only functions and subworkflows can be called")
	}
	args, err := p.list(")")
	if err != nil {
		return nil, err
	}
	return &Call{rootName(callee).At, name, args}, nil
}

func (p *parser) list(end string) ([]Expr, error) {
	var items []Expr
	for !p.accept(end) {
		if len(items) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		e, err := p.binary(1)
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return items, nil
}

// Path gives the dotted name an expression spells, such as "sys.get_env".
func Path(e Expr) (string, bool) {
	switch x := e.(type) {
	case *Name:
		return x.Name, true
	case *Member:
		head, ok := Path(x.X)
		return head + "." + x.Key, ok
	}
	return "", false
}

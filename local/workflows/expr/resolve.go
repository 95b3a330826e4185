package expr

// Symbols tells Resolve what the names in an expression stand for.
type Symbols interface {
	// Variable reports whether a variable of that name may be visible.
	Variable(name string) bool
	// Global gives the constant or function reference of a dotted name.
	Global(path string) (any, bool)
	// CheckCall reports why a function cannot be called with n positional
	// arguments; text is empty when it can.
	CheckCall(name string, n int) (text, hint string)
}

// Resolve binds the names of an expression: what is no variable must be a
// constant or function. It returns the bound tree and every fault it found.
func Resolve(e Expr, s Symbols) (Expr, []*SyntaxError) {
	r := &resolver{symbols: s}
	return r.bind(e), r.faults
}

type resolver struct {
	symbols Symbols
	faults  []*SyntaxError
}

func (r *resolver) bind(e Expr) Expr {
	switch x := e.(type) {
	case *Name, *Member:
		return r.bindPath(x)
	case *List:
		return &List{x.At, r.bindAll(x.Items)}
	case *Index:
		return &Index{x.At, r.bind(x.X), r.bind(x.Key)}
	case *Unary:
		return &Unary{x.At, x.Op, r.bind(x.X)}
	case *Binary:
		return &Binary{x.At, x.Op, r.bind(x.X), r.bind(x.Y)}
	case *Call:
		if text, hint := r.symbols.CheckCall(x.Func, len(x.Args)); text != "" {
			r.faults = append(r.faults, &SyntaxError{x.pos(), text, hint})
		}
		return &Call{x.At, x.Func, r.bindAll(x.Args)}
	}
	return e
}

func (r *resolver) bindAll(items []Expr) []Expr {
	bound := make([]Expr, len(items))
	for i, e := range items {
		bound[i] = r.bind(e)
	}
	return bound
}

// bindPath decides whether a dotted name starts at a variable or is global as a
// whole; variables win.
func (r *resolver) bindPath(e Expr) Expr {
	root := rootName(e)
	if root == nil {
		m := e.(*Member)
		return &Member{m.At, r.bind(m.X), m.Key}
	}
	if r.symbols.Variable(root.Name) {
		return e
	}
	for p := e; ; {
		path, _ := Path(p)
		if v, ok := r.symbols.Global(path); ok {
			return regraft(e, p, &Global{root.At, path, v})
		}
		m, ok := p.(*Member)
		if !ok {
			break
		}
		p = m.X
	}
	r.faults = append(r.faults, &SyntaxError{
		root.pos(), "symbol '" + root.Name + "' is neither a variable nor a sub-workflow name",
		"assign the variable before it is read; text needs quotes",
	})
	return e
}

// regraft rebuilds the member accesses of e above the node old on top of root.
func regraft(e, old, root Expr) Expr {
	if e == old {
		return root
	}
	m := e.(*Member)
	return &Member{m.At, regraft(m.X, old, root), m.Key}
}

// rootName is the variable a chain of property accesses starts at, or nil.
func rootName(e Expr) *Name {
	for {
		switch x := e.(type) {
		case *Name:
			return x
		case *Member:
			e = x.X
		default:
			return nil
		}
	}
}

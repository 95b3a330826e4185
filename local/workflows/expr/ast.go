package expr

// Expr is a node of an expression's syntax tree.
type Expr interface{ pos() int }

// At is the byte offset of a node within the expression's text.
type At int

func (a At) pos() int { return int(a) }

// The nodes of the tree.
type (
	// Literal is null, a boolean, an integer, a double or a string.
	Literal struct {
		At
		Value any
	}
	// List is a list literal.
	List struct {
		At
		Items []Expr
	}
	// Name reads a variable.
	Name struct {
		At
		Name string
	}
	// Member is property access: X.Key.
	Member struct {
		At
		X   Expr
		Key string
	}
	// Index is element access: X[Key].
	Index struct {
		At
		X, Key Expr
	}
	// Call calls a function or subworkflow by its qualified name.
	Call struct {
		At
		Func string
		Args []Expr
	}
	// Global is a constant of the standard library or a reference to a function;
	// only Resolve makes it.
	Global struct {
		At
		Path  string
		Value any
	}
	// Unary is "-" or "not".
	Unary struct {
		At
		Op string
		X  Expr
	}
	// Binary is an operator between two operands; Op of and/or is lower case.
	Binary struct {
		At
		Op   string
		X, Y Expr
	}
)

// precedence of binary operators, loosest first. All comparisons, equality and
// membership share one level.
var precedence = map[string]int{
	"or": 1, "and": 2,
	"==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
	"+": 4, "-": 4,
	"*": 5, "/": 5, "//": 5, "%": 5,
}

// prefixPrecedence is that of "-" and "not", which bind tighter than any binary
// operator.
const prefixPrecedence = 6

// words maps the accepted spellings of word operators and constants; other
// mixtures of case, such as "And", are ordinary names.
var words = map[string]string{
	"and": "and", "AND": "and", "or": "or", "OR": "or", "not": "not", "NOT": "not", "in": "in",
	"true": "true", "True": "true", "TRUE": "true",
	"false": "false", "False": "false", "FALSE": "false",
	"null": "null",
}

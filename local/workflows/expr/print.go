package expr

import (
	"strconv"
	"strings"
)

// String writes an expression so that parsing the text gives the same tree. It
// adds only the parentheses that precedence demands.
func String(e Expr) string {
	var b strings.Builder
	write(&b, e, 1)
	return b.String()
}

// write puts parentheses around e if it binds looser than level.
func write(b *strings.Builder, e Expr, level int) {
	if binding(e) < level {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	switch x := e.(type) {
	case *Literal:
		writeLiteral(b, x.Value)
	case *List:
		b.WriteByte('[')
		writeItems(b, x.Items)
		b.WriteByte(']')
	case *Name:
		b.WriteString(x.Name)
	case *Global:
		b.WriteString(x.Path)
	case *Member:
		write(b, x.X, prefixPrecedence+1)
		b.WriteString("." + x.Key)
	case *Index:
		write(b, x.X, prefixPrecedence+1)
		b.WriteByte('[')
		write(b, x.Key, 1)
		b.WriteByte(']')
	case *Call:
		b.WriteString(x.Func + "(")
		writeItems(b, x.Args)
		b.WriteByte(')')
	case *Unary:
		b.WriteString(x.Op)
		if x.Op == "not" {
			b.WriteByte(' ')
		}
		write(b, x.X, prefixPrecedence)
	case *Binary:
		write(b, x.X, precedence[x.Op])
		b.WriteString(" " + x.Op + " ")
		write(b, x.Y, precedence[x.Op]+1)
	}
}

func binding(e Expr) int {
	switch x := e.(type) {
	case *Binary:
		return precedence[x.Op]
	case *Unary:
		return prefixPrecedence
	}
	return prefixPrecedence + 1
}

func writeItems(b *strings.Builder, items []Expr) {
	for i, e := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		write(b, e, 1)
	}
}

func writeLiteral(b *strings.Builder, v any) {
	switch x := v.(type) {
	case string:
		b.WriteString(quote(x))
	case float64:
		s := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		b.WriteString(s)
	default:
		b.WriteString(Describe(v))
	}
}

// quote escapes only what the lexer must not take literally.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

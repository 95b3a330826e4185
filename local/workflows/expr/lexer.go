package expr

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tokEOF    tokenKind = iota
	tokName             // identifier or word operator
	tokInt              // 64-bit integer literal
	tokDouble           // double literal
	tokString           // quoted string, unescaped
	tokPunct            // operator or bracket
)

type token struct {
	kind tokenKind
	text string // spelling; for strings the unescaped value
	pos  int    // byte offset in the expression
}

// SyntaxError is a fault in the text of an expression.
type SyntaxError struct {
	Offset int    // byte offset of the fault within the text given to Parse
	Text   string // what is wrong
	Hint   string // how to put it right, may be empty
}

// Error gives the fault and its hint.
func (e *SyntaxError) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + " (" + e.Hint + ")"
}

func syntaxErrorf(pos int, hint, format string, args ...any) *SyntaxError {
	return &SyntaxError{Offset: pos, Text: fmt.Sprintf(format, args...), Hint: hint}
}

// puncts lists operators longest first, so that // is not read as two slashes.
var puncts = []string{"==", "!=", "<=", ">=", "//", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", "."}

// lex splits the whole text into tokens; the last is always tokEOF.
func lex(src string) ([]token, error) {
	var toks []token
	for pos := 0; ; {
		pos += len(src[pos:]) - len(strings.TrimLeft(src[pos:], " \t\r\n"))
		if pos >= len(src) {
			return append(toks, token{kind: tokEOF, pos: len(src)}), nil
		}
		t, n, err := next(src, pos)
		if err != nil {
			return nil, err
		}
		toks = append(toks, t)
		pos += n
	}
}

// next reads the token at pos and its length in bytes.
func next(src string, pos int) (token, int, error) {
	rest := src[pos:]
	switch c := rest[0]; {
	case isLetter(c):
		n := 1
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
		return token{tokName, rest[:n], pos}, n, nil
	case isDigit(c):
		return lexNumber(rest, pos)
	case c == '"' || c == '\'':
		return lexString(rest, pos)
	}
	for _, p := range puncts {
		if strings.HasPrefix(rest, p) {
			return token{tokPunct, p, pos}, len(p), nil
		}
	}
	return token{}, 0, unexpectedChar(rest, pos)
}

func unexpectedChar(rest string, pos int) *SyntaxError {
	r, _ := utf8.DecodeRuneInString(rest)
	hint := ""
	switch r {
	case '“', '”', '‘', '’':
		hint = `use straight quotes: "text"`
	case '&':
		hint = "the operator is spelled and"
	case '|':
		hint = "the operator is spelled or"
	case '!':
		hint = "the operator is spelled not"
	case '=':
		hint = "equality is =="
	case '}', '$':
		hint = `text and expressions do not mix, join them: ${a + " and " + b}`
	case '{':
		hint = "map literals do not exist in expressions, write the map in YAML"
	}
	return syntaxErrorf(pos, hint, "unexpected character %q", r)
}

func lexNumber(rest string, pos int) (token, int, error) {
	n, kind := digits(rest, 0), tokInt
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		n, kind = digits(rest, n+1), tokDouble
	}
	if n < len(rest) && (rest[n] == 'e' || rest[n] == 'E') {
		m := n + 1
		if m < len(rest) && (rest[m] == '+' || rest[m] == '-') {
			m++
		}
		if end := digits(rest, m); end > m {
			n, kind = end, tokDouble
		}
	}
	if n < len(rest) && isLetter(rest[n]) {
		return token{}, 0, syntaxErrorf(pos, "names start with a letter or _", "malformed number %q", rest[:n+1])
	}
	return token{kind, rest[:n], pos}, n, nil
}

// digits gives the end of the run of digits that starts at i.
func digits(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func lexString(rest string, pos int) (token, int, error) {
	quote := rest[0]
	var b strings.Builder
	for i := 1; i < len(rest); {
		switch c := rest[i]; c {
		case quote:
			return token{tokString, b.String(), pos}, i + 1, nil
		case '\\':
			n, err := unescape(&b, rest[i:], pos+i)
			if err != nil {
				return token{}, 0, err
			}
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return token{}, 0, syntaxErrorf(pos, "", "string is not closed")
}

var escapes = map[byte]byte{'"': '"', '\'': '\'', '\\': '\\', '/': '/', 'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f'}

// unescape writes the character of the escape sequence at the start of s and
// gives the length of the sequence in bytes.
func unescape(b *strings.Builder, s string, pos int) (int, error) {
	if len(s) >= 2 {
		if c, ok := escapes[s[1]]; ok {
			b.WriteByte(c)
			return 2, nil
		}
	}
	if len(s) >= 6 && s[1] == 'u' {
		if r, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
			b.WriteRune(rune(r))
			return 6, nil
		}
	}
	return 0, syntaxErrorf(pos, `a backslash itself is written \\`, `unknown escape sequence`)
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

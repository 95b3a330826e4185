package eventarc

import (
	"errors"
	"fmt"
	"strings"
)

type tokenKind int

const (
	end tokenKind = iota
	word
	symbol
	quoted
)

// token is a piece of a filter; text is unescaped if it was quoted.
type token struct {
	kind tokenKind
	text string
}

func (t token) is(keyword string) bool { return t.kind == word && t.text == keyword }

func (t token) String() string {
	if t.kind == end {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// tokenize ends the list with an end token.
func tokenize(text string) ([]token, error) {
	var tokens []token
	for text = strings.TrimLeft(text, " \t\r\n"); text != ""; text = strings.TrimLeft(text, " \t\r\n") {
		t, rest, err := nextToken(text)
		if err != nil {
			return nil, err
		}
		tokens, text = append(tokens, t), rest
	}
	return append(tokens, token{}), nil
}

func nextToken(text string) (token, string, error) {
	if text[0] == '"' {
		value, rest, err := unquote(text[1:])
		return token{quoted, value}, rest, err
	}
	if n := wordLength(text); n > 0 {
		return token{word, text[:n]}, text[n:], nil
	}
	if strings.IndexByte("().:,=", text[0]) >= 0 {
		return token{symbol, text[:1]}, text[1:], nil
	}
	return token{}, "", fmt.Errorf("unsupported %q", text[:1])
}

func wordLength(text string) int {
	n := 0
	for n < len(text) && isWordByte(text[n], n == 0) {
		n++
	}
	return n
}

func isWordByte(c byte, first bool) bool {
	letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return letter || !first && '0' <= c && c <= '9'
}

// unquote reads up to the closing quote; a backslash escapes a quote or a
// backslash and nothing else.
func unquote(text string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			return b.String(), text[i+1:], nil
		case '\\':
			i++
			if i == len(text) || (text[i] != '"' && text[i] != '\\') {
				return "", "", errors.New(`unsupported escape: only \" and \\ are`)
			}
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("a quote is not closed")
}

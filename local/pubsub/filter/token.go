package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
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
	if strings.HasPrefix(text, "!=") {
		return token{symbol, "!="}, text[2:], nil
	}
	if strings.IndexByte("().:,=-", text[0]) >= 0 {
		return token{symbol, text[:1]}, text[1:], nil
	}
	_, n := utf8.DecodeRuneInString(text)
	return token{}, "", fmt.Errorf("unsupported %q", text[:n])
}

func wordLength(text string) int {
	n := 0
	for n < len(text) && isWordByte(text[n], n == 0) {
		n++
	}
	return n
}

// isWordByte says that a hyphen may be in a word and not begin it: there it negates.
func isWordByte(c byte, first bool) bool {
	letter := c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	return letter || c == '-' && !first
}

// unquote reads up to the closing quote. Escapes are Go's, which has those of Pub/Sub's language: quotes and
// backslashes, \n and the like, \x, octal, \u and \U.
func unquote(text string) (value, rest string, err error) {
	var b strings.Builder
	for text != "" {
		if text[0] == '"' {
			return checked(b.String(), text[1:])
		}
		if text[0] != '\\' {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(text, '"')
		if err != nil {
			return "", "", fmt.Errorf("unsupported escape in %q", text)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		text = tail
	}
	return "", "", errors.New("a quote is not closed")
}

// checked refuses what no attribute can be.
func checked(value, rest string) (string, string, error) {
	if !utf8.ValidString(value) {
		return "", "", fmt.Errorf("%q is not UTF-8", value)
	}
	return value, rest, nil
}

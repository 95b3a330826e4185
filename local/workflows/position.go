package workflows

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// inside is the place in the source of a byte offset within the value of a
// scalar. YAML folds lines, drops indentation and has escapes, hence both texts
// are walked side by side. Where they do not agree it is the scalar's own place.
func (c *compiler) inside(n *yaml.Node, offset int) Position {
	pos := at(n)
	start := sourceOffset(c.wf.source, pos)
	w := walker{source: c.wf.source[start:], value: n.Value, style: n.Style}
	w.open()
	for len(n.Value)-len(w.value) < offset {
		if !w.step() {
			return pos
		}
	}
	w.unindent()
	return advance(pos, c.wf.source[start:start+w.at])
}

// sourceOffset finds the byte offset of a place that YAML reported.
func sourceOffset(source []byte, pos Position) int {
	at := 0
	for range pos.Line - 1 {
		end := bytes.IndexByte(source[at:], '\n')
		if end < 0 {
			return at
		}
		at += end + 1
	}
	for range pos.Column - 1 {
		_, n := utf8.DecodeRune(source[at:])
		at += n
	}
	return at
}

// advance moves a place over text.
func advance(pos Position, text []byte) Position {
	if end := bytes.LastIndexByte(text, '\n'); end >= 0 {
		pos.Line += bytes.Count(text, []byte("\n"))
		pos.Column = 1
		text = text[end+1:]
	}
	pos.Column += utf8.RuneCount(text)
	return pos
}

// walker goes through the source of a scalar and its value at the same time.
type walker struct {
	source []byte
	at     int    // in source
	value  string // what is left of it
	style  yaml.Style
}

// open skips the quote, or the line of "|" or ">" of a block.
func (w *walker) open() {
	switch {
	case w.style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		w.at++
	case w.style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		w.at = bytes.IndexByte(w.source, '\n') + 1
	}
}

// step passes one character, or one run of white space, which may be of another
// length in the value.
func (w *walker) step() bool {
	if w.value == "" {
		return false
	}
	if rest := strings.TrimLeft(w.value, " \t\r\n"); rest != w.value {
		w.value = rest
		w.unindent()
		return true
	}
	w.unindent()
	r, n := utf8.DecodeRuneInString(w.value)
	w.value = w.value[n:]
	if w.at >= len(w.source) {
		return false
	}
	if length := w.escape(); length > 0 {
		w.at += length
		return w.at <= len(w.source)
	}
	s, n := utf8.DecodeRune(w.source[w.at:])
	w.at += n
	return r == s
}

// unindent skips white space, which in double quotes may be written as escapes.
func (w *walker) unindent() {
	for w.at < len(w.source) {
		rest := w.source[w.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			w.at++
		case w.style&yaml.DoubleQuotedStyle != 0 && len(rest) > 1 && rest[0] == '\\' && strings.IndexByte("ntr \n\r\t", rest[1]) >= 0:
			w.at += 2
		default:
			return
		}
	}
}

// escape is the length of an escape sequence at the current place, or 0.
func (w *walker) escape() int {
	rest := w.source[w.at:]
	switch {
	case w.style&yaml.SingleQuotedStyle != 0 && bytes.HasPrefix(rest, []byte("''")):
		return 2
	case w.style&yaml.DoubleQuotedStyle == 0 || rest[0] != '\\' || len(rest) < 2:
		return 0
	}
	switch rest[1] {
	case 'x':
		return 4
	case 'u':
		return 6
	case 'U':
		return 10
	}
	return 2
}

package rows

import (
	"strings"
	"unicode/utf8"
)

// each visits the fields of a row, in order, as far as its quotes are sound. It says how many there are.
func (r rule) each(raw []byte, text string, visit func(i int, field string)) (int, error) {
	for i := 0; ; i++ {
		n, end := r.field(raw)
		if end == atEnd && n < len(raw) {
			end = afterQuotes // a return that is not part of the line break
		}
		if end != atDelimiter && end != atEnd {
			return i, badQuote(i+1, end)
		}
		visit(i, unquote(text[:n]))
		if end == atEnd {
			return i + 1, nil
		}
		raw, text = raw[n+1:], text[n+1:]
	}
}

func unquote(field string) string {
	if field == "" || field[0] != '"' {
		return field
	}
	return strings.ReplaceAll(field[1:len(field)-1], `""`, `"`)
}

func badQuote(field int, end ending) error {
	switch end {
	case atBareQuote:
		return refused("bad_quote", `field %d has a quote inside: put the whole field in quotes and double the ones inside ("")`, field)
	case afterQuotes:
		return refused("bad_quote", `field %d goes on after its closing quote: double the quotes inside it ("")`, field)
	}
	return refused("bad_quote", `field %d opens a quote that is never closed properly: close it, and double the quotes inside it ("")`, field)
}

// texts are all fields of a row.
func (r rule) texts(raw []byte) (texts []string, err error) {
	_, err = r.each(raw, string(raw), func(_ int, field string) { texts = append(texts, field) })
	return texts, err
}

var delimiterNames = map[byte]string{',': "commas", ';': "semicolons", '\t': "tabs"}

// csv reads the fields of ours; those it could, if there is an error.
func (r *Reader) csv(raw []byte, text string) (f fields, err error) {
	f = r.lookup.defaults
	n, err := r.scan.each(raw, text, func(i int, field string) {
		if i < len(r.header) && r.header[i] != ignored {
			f[r.header[i]] = field
		}
	})
	if err == nil && n != len(r.header) {
		err = refused("wrong_field_count", "the row has %s, the header has %d: fields are separated by %s, and one with such inside must be in quotes",
			counted(int64(n), "field"), len(r.header), delimiterNames[r.scan.delimiter])
	}
	return f, err
}

// firstInvalid is the first byte of text that is not UTF-8, and where it is, from 1.
func firstInvalid(text string) (at int, b byte) {
	for i, c := range text {
		if _, size := utf8.DecodeRuneInString(text[i:]); c == utf8.RuneError && size == 1 {
			return i + 1, text[i]
		}
	}
	return 0, 0
}

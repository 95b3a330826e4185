package stdlib

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"

	"orderflow.dev/local/workflows/expr"
)

func init() {
	typed("text.encode", With(Params("text"), "charset", "UTF-8"), textEncode)
	typed("text.decode", With(Params("data"), "charset", "UTF-8"), textDecode)
	typed("text.find_all", Params("source", "substr"), func(r *reader) (any, error) {
		return findAll(r.str(0), r.str(1)), nil
	})
	typed("text.replace_all", Params("source", "substr", "repl"), replaceAll)
	typed("text.split", Params("source", "separator"), func(r *reader) (any, error) {
		return list(strings.Split(r.str(0), r.str(1))), nil
	})
	typed("text.substring", Params("source", "start", "end"), substring)
	convert("text.to_lower", strings.ToLower)
	convert("text.to_upper", strings.ToUpper)
	convert("text.url_encode", func(s string) string { return strings.ReplaceAll(escape(s), "+", "%20") })
	convert("text.url_encode_plus", escape)
	typed("text.url_decode", Params("source"), func(r *reader) (any, error) {
		s, err := url.QueryUnescape(r.str(0))
		if err != nil {
			return nil, valueError("text.url_decode: %v", err)
		}
		return s, nil
	})
	regex("text.match_regex", func(re *regexp.Regexp, source, _ string) (any, error) { return re.MatchString(source), nil })
	regex("text.find_all_regex", findAllRegex)
	regex("text.replace_all_regex", replaceAllRegex, "repl")
}

// escape leaves letters, digits, ".", "-" and "_" as they are (reference:
// text.url_encode); Go's escape leaves "~" as well.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "~", "%7E") }

func convert(name string, f func(string) string) {
	typed(name, Params("source"), func(r *reader) (any, error) { return f(r.str(0)), nil })
}

// regex registers a function on a source, an RE2 pattern and, if named, one
// more text. Of several matches at one place the longest counts (reference:
// text.find_all_regex).
func regex(name string, f func(re *regexp.Regexp, source, extra string) (any, error), extra ...string) {
	typed(name, Params(append([]string{"source", "regexp"}, extra...)...), func(r *reader) (any, error) {
		source, pattern, text := r.str(0), r.str(1), ""
		if len(extra) > 0 {
			text = r.str(2)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, valueError("%s: %v", name, err)
		}
		re.Longest()
		return f(re, source, text)
	})
}

// charset finds a character set by its IANA name, in any case.
func charset(name string) (encoding.Encoding, error) {
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil || e == nil {
		return nil, valueError("charset %q is not supported", name)
	}
	return e, nil
}

func textEncode(r *reader) (any, error) {
	text := r.str(0)
	e, err := charset(r.str(1))
	if err != nil {
		return nil, err
	}
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return nil, valueError("text.encode: a character has no code in %s", r.args[1])
	}
	return expr.Bytes(b), nil
}

// textDecode writes U+FFFD for every byte that is no text (reference:
// text.decode).
func textDecode(r *reader) (any, error) {
	data := r.bytes(0)
	e, err := charset(r.str(1))
	if err != nil {
		return nil, err
	}
	b, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return nil, valueError("text.decode: %v", err)
	}
	return string(b), nil
}

func list(items []string) []any {
	out := make([]any, len(items))
	for i, s := range items {
		out[i] = s
	}
	return out
}

// charCounter converts ascending byte offsets of a text to offsets in characters.
type charCounter struct {
	text  string
	bytes int
	chars int64
}

func (c *charCounter) at(offset int) int64 {
	c.chars += int64(utf8.RuneCountInString(c.text[c.bytes:offset]))
	c.bytes = offset
	return c.chars
}

// findAll gives the offsets, in characters, of non-overlapping occurrences.
func findAll(source, substr string) any {
	found, count := []any{}, charCounter{text: source}
	for at := 0; substr != ""; at += len(substr) {
		i := strings.Index(source[at:], substr)
		if i < 0 {
			break
		}
		at += i
		found = append(found, count.at(at))
	}
	return found
}

func findAllRegex(re *regexp.Regexp, source, _ string) (any, error) {
	found, count := []any{}, charCounter{text: source}
	for _, m := range re.FindAllStringIndex(source, -1) {
		found = append(found, map[string]any{"index": count.at(m[0]), "match": source[m[0]:m[1]]})
	}
	return found, nil
}

func replaceAll(r *reader) (any, error) {
	source, substr, repl := r.str(0), r.str(1), r.str(2)
	if n := strings.Count(source, substr); n*len(repl) > maxResult {
		return nil, tooLarge(r.name)
	}
	return strings.ReplaceAll(source, substr, repl), nil
}

// replaceAllRegex takes references to groups as they are written; they are not
// supported (reference: text.replace_all_regex).
func replaceAllRegex(re *regexp.Regexp, source, repl string) (any, error) {
	if len(source)*len(repl) > maxResult && len(re.FindAllStringIndex(source, -1))*len(repl) > maxResult {
		return nil, tooLarge("text.replace_all_regex")
	}
	return re.ReplaceAllLiteralString(source, repl), nil
}

// substring counts characters; end is exclusive.
func substring(r *reader) (any, error) {
	s, start, end := []rune(r.str(0)), r.integer(1), r.integer(2)
	if r.err != nil {
		return nil, r.err
	}
	if start < 0 || end < start || end > int64(len(s)) {
		return nil, valueError("text.substring: range [%d, %d) is outside a string of length %d", start, end, len(s))
	}
	return string(s[start:end]), nil
}

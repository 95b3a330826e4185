package stdlib

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"orderflow.dev/local/workflows/expr"
)

func init() {
	typed("text.encode", With(Params("text"), "charset", "UTF-8"), func(r *reader) (any, error) {
		s := r.str(0)
		return expr.Bytes(s), charset(r.str(1))
	})
	typed("text.decode", With(Params("data"), "charset", "UTF-8"), textDecode)
	typed("text.find_all", Params("source", "substr"), func(r *reader) (any, error) {
		return findAll(r.str(0), r.str(1)), nil
	})
	typed("text.replace_all", Params("source", "substr", "repl"), func(r *reader) (any, error) {
		return strings.ReplaceAll(r.str(0), r.str(1), r.str(2)), nil
	})
	typed("text.split", Params("source", "separator"), func(r *reader) (any, error) {
		return list(strings.Split(r.str(0), r.str(1))), nil
	})
	typed("text.substring", Params("source", "start", "end"), substring)
	convert("text.to_lower", strings.ToLower)
	convert("text.to_upper", strings.ToUpper)
	convert("text.url_encode", func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") })
	convert("text.url_encode_plus", url.QueryEscape)
	typed("text.url_decode", Params("source"), func(r *reader) (any, error) {
		s, err := url.QueryUnescape(r.str(0))
		if err != nil {
			return nil, valueError("text.url_decode: %v", err)
		}
		return s, nil
	})
	regex("text.match_regex", func(re *regexp.Regexp, source, _ string) any { return re.MatchString(source) })
	regex("text.find_all_regex", findAllRegex)
	regex("text.replace_all_regex", func(re *regexp.Regexp, source, repl string) any {
		return re.ReplaceAllString(source, references.ReplaceAllString(strings.ReplaceAll(repl, "$", "$$"), "$${$1}"))
	}, "substr", "repl")
}

// references are RE2's rewrite references \0 to \9, which Go spells ${0}.
var references = regexp.MustCompile(`\\([0-9])`)

func convert(name string, f func(string) string) {
	typed(name, Params("source"), func(r *reader) (any, error) { return f(r.str(0)), nil })
}

// regex registers a function on a source and an RE2 pattern. The parameters
// after source are "regexp" unless named.
func regex(name string, f func(re *regexp.Regexp, source, extra string) any, params ...string) {
	if params == nil {
		params = []string{"regexp"}
	}
	typed(name, Params(append([]string{"source"}, params...)...), func(r *reader) (any, error) {
		source, pattern, extra := r.str(0), r.str(1), ""
		if len(params) > 1 {
			extra = r.str(2)
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, valueError("%s: %v", name, err)
		}
		return f(re, source, extra), nil
	})
}

func charset(name string) error {
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return nil
	}
	return valueError("charset %q is not supported by the local engine, only UTF-8", name)
}

func textDecode(r *reader) (any, error) {
	data := r.bytes(0)
	if err := charset(r.str(1)); err != nil {
		return nil, err
	}
	if !utf8.Valid(data) {
		return nil, valueError("text.decode: data is not valid UTF-8")
	}
	return string(data), nil
}

func list(items []string) []any {
	out := make([]any, len(items))
	for i, s := range items {
		out[i] = s
	}
	return out
}

// chars converts a byte offset to an offset in characters.
func chars(s string, offset int) int64 { return int64(utf8.RuneCountInString(s[:offset])) }

// findAll gives the offsets, in characters, of non-overlapping occurrences.
func findAll(source, substr string) any {
	found := []any{}
	for at := 0; substr != ""; at += len(substr) {
		i := strings.Index(source[at:], substr)
		if i < 0 {
			break
		}
		at += i
		found = append(found, chars(source, at))
	}
	return found
}

func findAllRegex(re *regexp.Regexp, source, _ string) any {
	found := []any{}
	for _, m := range re.FindAllStringIndex(source, -1) {
		found = append(found, map[string]any{"index": chars(source, m[0]), "match": source[m[0]:m[1]]})
	}
	return found
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

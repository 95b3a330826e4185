package value

import (
	"fmt"
	"strings"
	"unicode/utf8"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// Path is a field's path: names from the document inwards.
type Path []string

// ParsePath reads a path as masks and queries have it: segments with dots between, those that are no simple name
// (https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields) in backquotes. Its error says
// what is wrong where.
func ParsePath(s string) (Path, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("field path %q is not UTF-8", s)
	}
	var p Path
	for at := 0; ; at++ { // past the dot
		name, next, err := segment(s, at)
		if err != nil {
			return nil, fmt.Errorf("field path %q: %w", s, err)
		}
		p = append(p, name)
		if at = next; at == len(s) {
			return p, nil
		}
	}
}

// segment reads the name that begins at a place; next is where the path ends or has its dot.
func segment(s string, at int) (name string, next int, err error) {
	if strings.HasPrefix(s[at:], "`") {
		name, next, err = quoted(s, at+1)
	} else {
		next = at
		for next < len(s) && simple(s[next], next == at) {
			next++
		}
		name = s[at:next]
	}
	switch {
	case err != nil:
		return "", 0, err
	case next < len(s) && s[next] != '.':
		return "", 0, fmt.Errorf("character %d needs a name in backquotes", next+1)
	case name == "":
		return "", 0, fmt.Errorf("the name at character %d is empty", at+1)
	}
	return name, next, nil
}

// quoted reads a name up to its closing backquote; next is behind it. A backslash stands before a backquote, or a
// backslash, that is part of the name.
func quoted(s string, at int) (name string, next int, err error) {
	var b strings.Builder
	for i := at; i < len(s); i++ {
		switch s[i] {
		case '`':
			return b.String(), i + 1, nil
		case '\\':
			if i++; i == len(s) || s[i] != '`' && s[i] != '\\' {
				return "", 0, fmt.Errorf("the backslash at character %d escapes neither a backquote nor a backslash", i)
			}
		}
		b.WriteByte(s[i])
	}
	return "", 0, fmt.Errorf("the backquote at character %d is not closed", at)
}

// simple says whether a name that needs no backquotes may have a byte.
func simple(c byte, first bool) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || '0' <= c && c <= '9' && !first
}

// String is the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for i, name := range p {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quote(name))
	}
	return b.String()
}

var escaper = strings.NewReplacer("\\", "\\\\", "`", "\\`")

func quote(name string) string {
	for i := range len(name) {
		if !simple(name[i], i == 0) {
			return "`" + escaper.Replace(name) + "`"
		}
	}
	return name
}

// mapOf is a value's map; nil if it has none. A vector is none, although clients write it as one.
func mapOf(v *pb.Value) *pb.MapValue {
	m := v.GetMapValue()
	if isVector(m.GetFields()) {
		return nil
	}
	return m
}

// Get is the value at a path; nil if there is none.
func (p Path) Get(fields map[string]*pb.Value) *pb.Value {
	for _, name := range p[:len(p)-1] {
		inner := mapOf(fields[name])
		if inner == nil {
			return nil
		}
		fields = inner.GetFields()
	}
	return fields[p[len(p)-1]]
}

// Set puts a value at a path. What is on the way and no map becomes one.
func (p Path) Set(fields map[string]*pb.Value, v *pb.Value) {
	for _, name := range p[:len(p)-1] {
		inner := mapOf(fields[name])
		if inner == nil {
			inner = &pb.MapValue{}
			fields[name] = &pb.Value{ValueType: &pb.Value_MapValue{MapValue: inner}}
		}
		if inner.Fields == nil {
			inner.Fields = map[string]*pb.Value{}
		}
		fields = inner.Fields
	}
	fields[p[len(p)-1]] = v
}

// Delete takes away the value at a path, if there is one. The map it was in stays.
func (p Path) Delete(fields map[string]*pb.Value) {
	for _, name := range p[:len(p)-1] {
		fields = mapOf(fields[name]).GetFields()
	}
	delete(fields, p[len(p)-1])
}

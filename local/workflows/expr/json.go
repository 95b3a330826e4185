package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// DecodeJSON reads one JSON value. Numbers written without fraction or exponent
// that fit 64 bits become integers, all others doubles.
func DecodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more text after the JSON value")
	}
	return fromJSON(v)
}

// fromJSON turns what encoding/json decoded into values, in place.
func fromJSON(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case json.Number:
		return parseNumber(x.String())
	case []any:
		for i, e := range x {
			if x[i], err = fromJSON(e); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for k, e := range x {
			if x[k], err = fromJSON(e); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// parseNumber reads an integer or, where that does not fit, a double.
func parseNumber(s string) (any, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("number %s is out of range", s)
	}
	return f, nil
}

// EncodeJSON writes a value as compact JSON with sorted keys. Bytes, function
// references and doubles that are not finite cannot be written: ValueError
// (reference: json.encode).
func EncodeJSON(v any) ([]byte, error) {
	return appendJSON(nil, v)
}

// Describe is EncodeJSON for messages: what cannot be encoded is named instead.
func Describe(v any) string {
	switch v.(type) {
	case []any, map[string]any:
		return string(Show(v))
	}
	b, err := EncodeJSON(v)
	if err != nil {
		return "<" + TypeName(v) + ">"
	}
	return string(b)
}

// Show is EncodeJSON with the name of its type as text, such as "<bytes>", for what cannot be encoded, wherever it is.
func Show(v any) []byte {
	b, err := EncodeJSON(v)
	if err != nil {
		b, _ = EncodeJSON(named(v)) // which leaves nothing that cannot be
	}
	return b
}

func named(v any) any {
	switch x := v.(type) {
	case []any:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = named(e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = named(e)
		}
		return m
	}
	if _, err := EncodeJSON(v); err != nil {
		return "<" + TypeName(v) + ">"
	}
	return v
}

func appendJSON(b []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, x), nil
	case int64:
		return strconv.AppendInt(b, x, 10), nil
	case float64:
		if math.IsInf(x, 0) || math.IsNaN(x) {
			return nil, Errorf(TagValue, "a double that is not finite cannot be written as JSON")
		}
		return append(b, FormatDouble(x)...), nil
	case string:
		return appendString(b, x), nil
	case []any:
		return appendList(b, x)
	case map[string]any:
		return appendMap(b, x)
	}
	return nil, Errorf(TagValue, "a value of type %s cannot be written as JSON", TypeName(v))
}

func appendList(b []byte, list []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendJSON(b, e); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, m map[string]any) (_ []byte, err error) {
	b = append(b, '{')
	for i, k := range SortedKeys(m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		if b, err = appendJSON(b, m[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendString quotes s without the HTML escapes of encoding/json, which the
// service does not write.
func appendString(b []byte, s string) []byte {
	var w bytes.Buffer
	e := json.NewEncoder(&w)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(w.Bytes(), []byte("\n"))...)
}

// FormatDouble writes a double as string() and JSON do: the shortest text that
// reads back the same. Whole doubles keep no ".0"; how the service writes them
// is not documented.
func FormatDouble(f float64) string {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

package workflows

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"orderflow.dev/local/workflows/expr"
)

// callID is a call: the thread, and which of its calls.
type callID struct {
	Thread string `json:",omitempty"`
	Number int
}

// call is a recorded call.
type call struct {
	callID
	Name    string          // of the function
	Inline  bool            `json:",omitempty"` // it answered at once
	Value   json.RawMessage `json:",omitempty"` // value, encoded
	Error   json.RawMessage `json:",omitempty"` // of an error its value, encoded
	Custom  bool            `json:",omitempty"` // as in [expr.Error]
	Fatal   bool            `json:",omitempty"`
	value   any
	failure error
}

// encode fills what is written. It is false for an error that is not the language's: the call did not end.
func (c *call) encode() bool {
	var e *expr.Error
	switch {
	case c.failure == nil:
		c.Value = encodeValue(c.value)
	case errors.As(c.failure, &e):
		c.Error, c.Custom, c.Fatal = encodeValue(e.Value), e.Custom, e.Fatal
	default:
		return false
	}
	return true
}

func (c *call) decode() (err error) {
	if c.Error != nil {
		e := &expr.Error{Custom: c.Custom, Fatal: c.Fatal}
		e.Value, err = decodeValue(c.Error)
		c.failure = e
		return err
	}
	c.value, err = decodeValue(c.Value)
	return err
}

// recording is what calls of an execution answered in earlier lives of its engine.
type recording struct {
	calls map[callID]*call
	order []callID // of those that are not inline
}

func (r *recording) add(c *call) error {
	if err := c.decode(); err != nil {
		return fmt.Errorf("what %s answered: %w", c.Name, err)
	}
	if r.calls == nil {
		r.calls = map[callID]*call{}
	}
	r.calls[c.callID] = c
	if !c.Inline {
		r.order = append(r.order, c.callID)
	}
	return nil
}

// find is what a call answered, nil if it has not been made. The error says that another one was made in its place.
func (r *recording) find(c *call) (*call, error) {
	found := r.calls[c.callID]
	if found != nil && found.Name != c.Name {
		return nil, fmt.Errorf("call %d of thread %q is %s, and was %s before the restart", c.Number, c.Thread, c.Name, found.Name)
	}
	return found, nil
}

// next is the call that was answered next.
func (r *recording) next() (callID, bool) {
	if len(r.order) == 0 {
		return callID{}, false
	}
	return r.order[0], true
}

// told takes a call out of the order.
func (r *recording) told(id callID) {
	if i := slices.Index(r.order, id); i >= 0 {
		r.order = slices.Delete(r.order, i, i+1)
	}
}

// Kinds of values that JSON has no form for, or not one of their own. They are written as maps with an empty key, and so
// are maps that have one.
const (
	kindDouble = "double"
	kindBytes  = "bytes"
	kindFunc   = "function"
	kindMap    = "map"
)

// encodeValue writes a value so that decodeValue reads the same.
func encodeValue(v any) json.RawMessage {
	text, err := expr.EncodeJSON(tagged(v))
	if err != nil {
		panic(err) // tagged leaves nothing that JSON has no form for
	}
	return text
}

func tagged(v any) any {
	tag := func(kind string, v any) any { return map[string]any{"": kind, "value": v} }
	switch x := v.(type) {
	case float64:
		return tag(kindDouble, strconv.FormatFloat(x, 'g', -1, 64))
	case expr.Bytes:
		return tag(kindBytes, base64.StdEncoding.EncodeToString(x))
	case expr.Func:
		return tag(kindFunc, x.Name)
	case []any:
		list := make([]any, len(x))
		for i, e := range x {
			list[i] = tagged(e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(x))
		for k, e := range x {
			m[k] = tagged(e)
		}
		if _, ok := m[""]; ok {
			return tag(kindMap, m)
		}
		return m
	}
	return v
}

func decodeValue(text json.RawMessage) (any, error) {
	if text == nil {
		return nil, nil
	}
	v, err := expr.DecodeJSON(text)
	if err != nil {
		return nil, err
	}
	return untagged(v)
}

func untagged(v any) (_ any, err error) {
	switch x := v.(type) {
	case []any:
		for i, e := range x {
			if x[i], err = untagged(e); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		kind, ok := x[""]
		if ok && kind != kindMap {
			return untag(kind, x["value"])
		}
		if ok {
			x, _ = x["value"].(map[string]any)
		}
		for k, e := range x {
			if x[k], err = untagged(e); err != nil {
				return nil, err
			}
		}
		return x, nil
	}
	return v, nil
}

func untag(kind, v any) (any, error) {
	text, _ := v.(string)
	switch kind {
	case kindDouble:
		return strconv.ParseFloat(text, 64)
	case kindBytes:
		b, err := base64.StdEncoding.DecodeString(text)
		return expr.Bytes(b), err
	case kindFunc:
		return expr.Func{Name: text}, nil
	}
	return nil, fmt.Errorf("%v is no kind of value", kind)
}

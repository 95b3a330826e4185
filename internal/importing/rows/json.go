package rows

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

var errCutOff = errors.New("it ends in the middle: an object must be all on one line")

// members visits the members of a JSON object, in order, as far as it is sound.
func members(data string, visit func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(strings.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return errors.New("it must be one, in braces")
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return inWords(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return inWords(err)
		}
		if int(d.InputOffset()) == len(data) {
			return errCutOff // and perhaps the value with it
		}
		if err := visit(name.(string), value); err != nil {
			return err
		}
	}
	return endsHere(d)
}

func endsHere(d *json.Decoder) error {
	if _, err := d.Token(); err != nil { // the closing brace
		return inWords(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows after its end")
	}
	return nil
}

func inWords(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCutOff
	}
	return err
}

// ndjson reads the fields of ours; those it could, if there is an error.
func (r *Reader) ndjson(text string) (fields, error) {
	f := r.lookup.defaults
	var theirs [columnCount]string
	err := members(text, func(name string, value json.RawMessage) error {
		c, known := r.lookup.column(name)
		if !known || string(value) == "null" {
			return nil
		}
		if other := theirs[c]; other != "" {
			return refused("bad_json", "%s and %s are both %s: keep one", quote(other), quote(name), c)
		}
		theirs[c] = name
		return scalar(value, name, &f[c])
	})
	if err != nil && !isRefusal(err) {
		err = refused("bad_json", "the row is not a JSON object: %v", err)
	}
	return f, err
}

// scalar is a string, or a number as it is written.
func scalar(value json.RawMessage, name string, into *string) error {
	switch b := value[0]; {
	case b == '"':
		return json.Unmarshal(value, into)
	case b == '-' || b >= '0' && b <= '9':
		*into = string(value)
		return nil
	}
	return refused("bad_json", "%s must be a string or a number", quote(name))
}

package storage

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
)

const maxDocument = 1 << 20 // bytes

// document is a resource as a client sends it.
type document map[string]any

// readDocument takes no body for an empty document.
func readDocument(body io.Reader) (document, error) {
	d := document{}
	err := json.NewDecoder(io.LimitReader(body, maxDocument)).Decode(&d)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, invalid("the body is no JSON object: %v", err)
	}
	return d, nil
}

// decode reads a request's body into v. A field that v does not have is refused.
func decode(r *http.Request, v any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxDocument))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return unsupported("this body: %v", err)
	}
	return nil
}

var (
	writable = []string{"contentType", "contentEncoding", "contentLanguage", "contentDisposition", "cacheControl", "metadata"}
	// readOnly may be sent, as part of a whole resource, and change nothing. Checksums are read apart.
	readOnly = []string{
		"kind", "id", "selfLink", "mediaLink", "name", "bucket", "generation", "metageneration", "size", "md5Hash", "crc32c",
		"componentCount", "etag", "timeCreated", "timeFinalized", "timeStorageClassUpdated", "updated",
	}
)

// attributes are what the document says of an object. What it says beyond them is refused by name.
func (d document) attributes() (a attributes, err error) {
	said := document{}
	for field, v := range d {
		switch {
		case slices.Contains(writable, field):
			said[field] = v
		case slices.Contains(readOnly, field), empty(v), field == "storageClass" && v == "STANDARD":
		default:
			return a, unsupported("the object field %q", field)
		}
	}
	text, err := json.Marshal(said)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, invalid("the object's metadata: %v", err)
	}
	return a, a.check()
}

// empty says that a field is as good as not set.
func empty(v any) bool {
	x := reflect.ValueOf(v)
	return !x.IsValid() || x.IsZero() || (x.Kind() == reflect.Map || x.Kind() == reflect.Slice) && x.Len() == 0
}

// hashes are the checksums that the document promises.
func (d document) hashes() (hashes []string) {
	for field, algorithm := range map[string]string{"crc32c": "crc32c=", "md5Hash": "md5="} {
		if sum, ok := d[field].(string); ok && sum != "" {
			hashes = append(hashes, algorithm+sum)
		}
	}
	return hashes
}

// patched is an object's attributes after a merge patch (RFC 7396).
func patched(a attributes, patch document) (attributes, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return a, err
	}
	d := document{}
	if err := json.Unmarshal(text, &d); err != nil {
		return a, err
	}
	merge(d, patch)
	return d.attributes()
}

func merge(into, patch map[string]any) {
	for k, v := range patch {
		part, isMap := v.(map[string]any)
		switch {
		case v == nil:
			delete(into, k)
		case isMap:
			old, ok := into[k].(map[string]any)
			if !ok {
				old = map[string]any{}
			}
			merge(old, part)
			into[k] = old
		default:
			into[k] = v
		}
	}
}

package storage

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// attributes are what clients may say of an object.
type attributes struct {
	ContentType        string            `json:"contentType,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
}

// object is the resource that the API answers, the journal keeps and events carry. It has no links: production's
// would lead to production. It never changes: a change puts another in its place.
type object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	attributes
	Bucket                  string `json:"bucket"`
	Name                    string `json:"name"`
	Generation              int64  `json:"generation,string"`
	Metageneration          int64  `json:"metageneration,string"`
	Size                    int64  `json:"size,string"`
	StorageClass            string `json:"storageClass"`
	CRC32C                  string `json:"crc32c"`
	MD5Hash                 string `json:"md5Hash,omitempty"` // not of a composed object, as in production
	ComponentCount          int64  `json:"componentCount,omitempty"`
	ETag                    string `json:"etag"`
	TimeCreated             string `json:"timeCreated"`
	TimeFinalized           string `json:"timeFinalized"`
	TimeStorageClassUpdated string `json:"timeStorageClassUpdated"`
	Updated                 string `json:"updated"`

	upload string // the resumable upload that made it
}

func newObject(d *draft, u upload, generation int64, now time.Time) *object {
	at := timestamp(now)
	o := &object{
		Kind: "storage#object", ID: fmt.Sprintf("%s/%s/%d", u.Bucket, u.Name, generation),
		attributes: u.Attributes, Bucket: u.Bucket, Name: u.Name, Generation: generation, Size: d.size, StorageClass: "STANDARD",
		CRC32C: d.crc32c(), MD5Hash: d.md5Hash(), ComponentCount: u.Components,
		TimeCreated: at, TimeFinalized: at, TimeStorageClassUpdated: at,
	}
	if u.Components > 0 {
		o.MD5Hash = ""
	}
	if o.ContentType == "" {
		o.ContentType = "application/octet-stream"
	}
	return o.describe(1, now)
}

// described is the object with other attributes.
func (o object) described(a attributes, now time.Time) *object {
	o.attributes = a
	return o.describe(o.Metageneration+1, now)
}

func (o *object) describe(metageneration int64, now time.Time) *object {
	o.Metageneration, o.Updated = metageneration, timestamp(now)
	tag := binary.AppendVarint(binary.AppendVarint(nil, o.Generation), metageneration)
	o.ETag = base64.StdEncoding.EncodeToString(tag)
	return o
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// modified is when the object was last changed.
func (o *object) modified() time.Time {
	t, _ := time.Parse(time.RFC3339, o.Updated) // timestamp wrote it
	return t
}

// Limits of the service.
const (
	maxName     = 1024    // bytes
	maxMetadata = 8 << 10 // bytes of custom names and values
)

// checkName holds an object's name to https://cloud.google.com/storage/docs/objects#naming.
func checkName(name string) error {
	switch {
	case name == "":
		return invalid("an object needs a name: set it in the metadata or as the parameter name")
	case len(name) > maxName:
		return invalid("the object's name is longer than %d bytes", maxName)
	case !utf8.ValidString(name), strings.ContainsAny(name, "\r\n"):
		return invalid("the object name %q is not UTF-8 or has line breaks", name)
	case name == ".", name == "..", strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return invalid("an object cannot be called %q", name)
	}
	return nil
}

func (a attributes) check() error {
	n := 0
	for k, v := range a.Metadata {
		n += len(k) + len(v)
	}
	if n > maxMetadata {
		return invalid("the custom metadata is larger than %d bytes", maxMetadata)
	}
	return nil
}

func (a attributes) none() bool { return reflect.ValueOf(a).IsZero() }

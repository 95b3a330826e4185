// Package object is what is known of an object of Cloud Storage, and the event that tells of one. It does without the
// client, which is heavy: platform/bucket has it.
package object

import "time"

// Object is what is known of an object's content. Content never changes; another content is another generation.
type Object struct {
	Bucket, Name                 string
	Generation                   int64 // a later content of the same name has a higher one
	Size                         int64 // bytes, as stored
	ContentType, ContentEncoding string
	Metadata                     map[string]string
	Created                      time.Time // of this generation
}

// URL names the object for people: gs://bucket/name.
func (o Object) URL() string { return URL(o.Bucket, o.Name) }

// URL names an object for people: gs://bucket/name.
func URL(bucket, name string) string { return "gs://" + bucket + "/" + name }

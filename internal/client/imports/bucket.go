// Package imports is what importing has behind its interfaces: buckets, the use case that takes orders, and messages. It is apart
// from client, since only imports need the client of Cloud Storage, which is heavy.
package imports

import (
	"context"
	"io"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
)

// Bucket is importing.Bucket by Cloud Storage.
type Bucket struct {
	bucket *bucket.Bucket
}

// NewBucket opens a bucket.
func NewBucket(ctx context.Context, name string) (*Bucket, error) {
	b, err := bucket.Open(ctx, name)
	return &Bucket{b}, err
}

// File is an object as importing sees it.
func File(o object.Object) importing.File {
	return importing.File{Name: o.Name, Generation: o.Generation, Size: o.Size, Metadata: o.Metadata, Created: o.Created}
}

// Read implements importing.Bucket.
func (b *Bucket) Read(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	return b.bucket.Read(ctx, name, generation, offset, length)
}

// Copy implements importing.Bucket.
func (b *Bucket) Copy(ctx context.Context, from string, generation int64, to string) (importing.File, error) {
	o, err := b.bucket.Copy(ctx, from, generation, b.bucket, to)
	if fault.Code(err) == codes.AlreadyExists {
		err = nil
	}
	return File(o), err
}

// Delete implements importing.Bucket.
func (b *Bucket) Delete(ctx context.Context, name string, generation int64) error {
	return b.bucket.Delete(ctx, name, generation)
}

// List implements importing.Bucket.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) ([]importing.File, string, error) {
	objects, next, err := b.bucket.List(ctx, prefix, after, limit)
	files := make([]importing.File, len(objects))
	for i, o := range objects {
		files[i] = File(o)
	}
	return files, next, err
}

// Write implements importing.Bucket.
func (b *Bucket) Write(ctx context.Context, name, contentType string, write func(io.Writer) error) error {
	w := b.bucket.Replace(ctx, name, contentType, nil)
	defer w.Abort()
	if err := write(w); err != nil {
		return err
	}
	return w.Close()
}

// URL implements importing.Bucket.
func (b *Bucket) URL(name string) string {
	return object.URL(b.bucket.Name(), name)
}

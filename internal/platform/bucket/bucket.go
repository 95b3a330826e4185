// Package bucket is Cloud Storage as use cases need it: objects that are created once, read by generation, and copied,
// composed and deleted without a race. It is the only package that imports its client.
//
// Errors are fault.Errors: NotFound (no such bucket, object or generation), AlreadyExists (reason object_exists),
// OutOfRange (nothing at that offset), DataLoss (not what was stored), PermissionDenied, InvalidArgument, and
// Unavailable: what was tried a few times and may pass.
package bucket

import (
	"context"
	"net/url"
	"time"

	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
)

func objectOf(a *storage.ObjectAttrs) object.Object {
	return object.Object{
		Bucket: a.Bucket, Name: a.Name, Generation: a.Generation, Size: a.Size, ContentType: a.ContentType,
		ContentEncoding: a.ContentEncoding, Metadata: a.Metadata, Created: a.Created,
	}
}

// Bucket is a bucket. It may be used concurrently.
type Bucket struct {
	name   string
	client *storage.Client
	handle *storage.BucketHandle
}

// What trouble of the service is waited out here, within the context's deadline. Who delivers the event waits longer.
const (
	attempts     = 5
	firstBackoff = 100 * time.Millisecond
	mostBackoff  = 2 * time.Second
)

// Open opens a bucket with the default credentials, or at STORAGE_EMULATOR_HOST. That there is one shows with its first
// use. It must be closed. Error: credentials that cannot be found.
func Open(ctx context.Context, name string) (*Bucket, error) {
	if name == "" || url.PathEscape(name) != name {
		return nil, fault.New(codes.InvalidArgument, "", "no bucket can be called %q", name)
	}
	client, err := storage.NewClient(ctx) // reads by XML: by JSON it cannot ReadCompressed
	if err != nil {
		return nil, fault.Wrap(err, codes.Unknown, "", "open gs://%s", name)
	}
	client.SetRetry(storage.WithMaxAttempts(attempts), storage.WithErrorFunc(mayPass),
		storage.WithBackoff(gax.Backoff{Initial: firstBackoff, Max: mostBackoff, Multiplier: 2}))
	return &Bucket{name, client, client.Bucket(name)}, nil
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Close lets go of the connections.
func (b *Bucket) Close() error { return b.client.Close() }

// at is an object of a generation; of the live one if that is 0.
func (b *Bucket) at(name string, generation int64) *storage.ObjectHandle {
	o := b.handle.Object(name)
	if generation == 0 {
		return o
	}
	return o.Generation(generation)
}

// absent is an object that must not exist.
func (b *Bucket) absent(name string) *storage.ObjectHandle {
	return b.handle.Object(name).If(storage.Conditions{DoesNotExist: true})
}

// pinned refuses what is not one generation. Doing something to the live one, whichever that is by then, is a race.
func (b *Bucket) pinned(name string, generation int64) error {
	if generation > 0 {
		return nil
	}
	return fault.New(codes.InvalidArgument, "", "%s: a generation must be named, %d is none", object.URL(b.name, name), generation)
}

// Stat is what is known of an object; of the live one if generation is 0. Errors: NotFound, also if another generation
// is live.
func (b *Bucket) Stat(ctx context.Context, name string, generation int64) (object.Object, error) {
	a, err := b.at(name, generation).Attrs(ctx)
	if err != nil {
		return object.Object{}, b.fault(err, "look at", name)
	}
	return objectOf(a), nil
}

// Delete removes one generation of an object. It is fine if that is gone already; another generation stays.
func (b *Bucket) Delete(ctx context.Context, name string, generation int64) error {
	if err := b.pinned(name, generation); err != nil {
		return err
	}
	err := b.handle.Object(name).If(storage.Conditions{GenerationMatch: generation}).Delete(ctx)
	err = b.fault(err, "delete", name)
	switch fault.Code(err) {
	case codes.NotFound, codes.FailedPrecondition:
		return nil
	}
	return err
}

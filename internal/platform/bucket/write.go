package bucket

import (
	"context"
	"errors"

	"cloud.google.com/go/storage"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
)

// maxParts is how many objects one call can compose.
const maxParts = 32

// chunkSize is how many bytes a Writer holds: as much as is sent again when a connection breaks.
const chunkSize = 4 << 20

// Writer writes an object, which exists once Close returned nil and not before:
//
//	w := bucket.Create(ctx, name, "text/csv", nil)
//	defer w.Abort()
//	if _, err := io.Copy(w, from); err != nil {
//		return err // nothing was created
//	}
//	return w.Close()
type Writer struct {
	bucket *Bucket
	writer *storage.Writer
	abort  context.CancelFunc
}

// Create writes an object that does not exist yet. Close answers AlreadyExists if one does by then. That may be this
// very content, whose answer was lost on the way: whoever needs to know looks with Stat.
func (b *Bucket) Create(ctx context.Context, name, contentType string, metadata map[string]string) *Writer {
	return b.write(ctx, b.absent(name), contentType, metadata)
}

// Replace writes an object in place of the one that exists, if one does.
func (b *Bucket) Replace(ctx context.Context, name, contentType string, metadata map[string]string) *Writer {
	return b.write(ctx, b.handle.Object(name).Retryer(storage.WithPolicy(storage.RetryAlways)), contentType, metadata)
}

func (b *Bucket) write(ctx context.Context, o *storage.ObjectHandle, contentType string, metadata map[string]string) *Writer {
	ctx, abort := context.WithCancel(ctx)
	w := o.NewWriter(ctx)
	w.ContentType, w.Metadata, w.ChunkSize = contentType, metadata, chunkSize
	return &Writer{b, w, abort}
}

// Write adds content. Errors are those of Close.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.writer.Write(p)
	return n, w.fault(err)
}

// Close makes an object of what was written. Errors: AlreadyExists, InvalidArgument (what arrived is not what was sent,
// or the name cannot be one), Unavailable: then it is not known whether the object exists.
func (w *Writer) Close() error {
	defer w.abort()
	return w.fault(w.writer.Close())
}

// Abort gives up: nothing is created. After Close it does nothing. The end of the context does the same.
func (w *Writer) Abort() { w.abort() }

// Object is what was written, once Close returned nil.
func (w *Writer) Object() object.Object { return objectOf(w.writer.Attrs()) }

func (w *Writer) fault(err error) error {
	err = w.bucket.fault(err, "write", w.writer.Name)
	if fault.Code(err) == codes.FailedPrecondition {
		return w.bucket.exists(errors.Unwrap(err), w.writer.Name)
	}
	return err
}

// Copy copies a generation of an object to a name that does not exist yet, with its content type and metadata. Errors:
// NotFound, of the source's generation; AlreadyExists, with the object that is there: it may be this very copy, whose
// answer was lost on the way.
func (b *Bucket) Copy(ctx context.Context, from string, generation int64, to *Bucket, name string) (object.Object, error) {
	if err := b.pinned(from, generation); err != nil {
		return object.Object{}, err
	}
	a, err := to.absent(name).CopierFrom(b.at(from, generation)).Run(ctx)
	if err != nil {
		return to.whyNot(ctx, name, b.fault(err, "copy to "+object.URL(to.name, name), from))
	}
	return objectOf(a), nil
}

// Compose makes an object that does not exist yet of 1 to 32 others of this bucket, pinned to their generations, one
// after another. Errors: those of Copy.
func (b *Bucket) Compose(ctx context.Context, name, contentType string, parts []object.Object) (object.Object, error) {
	if n := len(parts); n < 1 || n > maxParts {
		return object.Object{}, fault.New(codes.InvalidArgument, "", "compose %s of %d parts, want 1 to %d", object.URL(b.name, name), n, maxParts)
	}
	sources := make([]*storage.ObjectHandle, len(parts))
	for i, p := range parts {
		if err := b.pinned(p.Name, p.Generation); err != nil {
			return object.Object{}, err
		}
		sources[i] = b.at(p.Name, p.Generation)
	}
	c := b.absent(name).ComposerFrom(sources...)
	c.ContentType = contentType
	a, err := c.Run(ctx)
	if err != nil {
		return b.whyNot(ctx, name, b.fault(err, "compose", name))
	}
	return objectOf(a), nil
}

// whyNot finds the object that kept another from being created.
func (b *Bucket) whyNot(ctx context.Context, name string, err error) (object.Object, error) {
	if fault.Code(err) != codes.FailedPrecondition {
		return object.Object{}, err
	}
	there, statErr := b.Stat(ctx, name, 0)
	if fault.Code(statErr) == codes.NotFound {
		return object.Object{}, fault.Wrap(err, codes.Unavailable, "", "%s was there and is gone: try again", object.URL(b.name, name))
	}
	if statErr != nil {
		return object.Object{}, statErr
	}
	return there, b.exists(err, name)
}

package bucket

import (
	"context"
	"errors"
	"io"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"

	"google.golang.org/grpc/codes"
)

// Read reads length bytes from an offset, or, if length is -1, to the end; of the live generation if generation is 0. It
// gives the bytes as they are stored: what is compressed stays so. All are of one generation: when that is gone in the
// middle, reading may go on, or fail with NotFound. The reader must be closed. Errors, also of reading: NotFound,
// OutOfRange if the offset is at or behind the end (but an empty object is read from 0 to its end), DataLoss if a whole
// object is not what was stored.
func (b *Bucket) Read(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 || length < -1 {
		return nil, fault.New(codes.InvalidArgument, "", "%s: no object has %d bytes at %d", object.URL(b.name, name), length, offset)
	}
	r, err := b.at(name, generation).ReadCompressed(true).NewRangeReader(ctx, offset, length)
	if err != nil {
		return nil, b.fault(err, "read", name)
	}
	return &reader{r, b, name}, nil
}

// reader names errors of reading as ours.
type reader struct {
	*storage.Reader
	bucket *Bucket
	name   string
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.bucket.fault(err, "read", r.name)
	}
	return n, err
}

// List lists at most limit objects whose names begin with a prefix and come after another name, in the order of the
// names' bytes. next is where the following call goes on; empty at the end. Errors: NotFound, of the bucket.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) (objects []object.Object, next string, err error) {
	if limit < 1 {
		return nil, "", fault.New(codes.InvalidArgument, "", "list %s: a limit of %d", object.URL(b.name, prefix), limit)
	}
	query := &storage.Query{Prefix: prefix, StartOffset: after, Projection: storage.ProjectionNoACL}
	it := b.handle.Objects(ctx, query)
	it.PageInfo().MaxSize = limit + 1 // after itself may be among them
	for {
		a, err := it.Next()
		switch {
		case errors.Is(err, iterator.Done):
			return objects, "", nil
		case err != nil:
			return nil, "", b.fault(err, "list", prefix)
		case a.Name == after:
			continue
		case len(objects) == limit:
			return objects, objects[limit-1].Name, nil
		}
		objects = append(objects, objectOf(a))
	}
}

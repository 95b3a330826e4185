package importing

import (
	"context"
	"fmt"

	"orderflow.dev/internal/fault"
)

// Reading answers questions about imports.
type Reading struct {
	Imports Store
}

// Get is an import with what its chunks have done so far.
func (r Reading) Get(ctx context.Context, id string) (*Import, error) {
	im, err := r.Imports.Get(ctx, id)
	if err != nil || im.State != Working {
		return im, err
	}
	im.Read, im.Tally = 0, Tally{} // what ends while this looks must not be missing
	for from := 0; from < im.Chunks; from += chunksAtOnce {
		chunks, err := r.Imports.ChunksOf(ctx, id, from, chunksAtOnce)
		if err != nil {
			return nil, err
		}
		for _, c := range chunks {
			im.Read += c.At.Offset - c.Span.Offset
			if c.Done {
				im.Read += c.Span.End - c.At.Offset
			}
			im.Tally.add(c.Tally)
		}
	}
	return im, nil
}

// MaxPage is the largest page of a list.
const MaxPage = 100

// List is a page of imports, newest first, as far as their chunks are done.
func (r Reading) List(ctx context.Context, pageSize int, pageToken string) ([]*Import, string, error) {
	if pageSize == 0 {
		pageSize = 20
	}
	if pageSize < 1 || pageSize > MaxPage {
		return nil, "", fault.Invalid([]fault.Field{{Name: "page_size", Message: fmt.Sprintf("is %d: it may be 1 to %d", pageSize, MaxPage)}})
	}
	return r.Imports.List(ctx, pageSize, pageToken)
}

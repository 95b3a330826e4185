// Package importing makes orders of uploaded files: each good row becomes part of an order once, whatever is delivered
// twice, dies or is uploaded again, and whoever uploaded the file gets a report.
//
// Files in orders/{source}/ become orders; files in catalog/ state products, which is told in catalogue.go: all else is
// the same for both.
//
// An upload is an import, kept in imports/{id}; its file is cut into chunks, each with a record of its own that says how
// far it has been read. There is no other state: every message says only where to look.
package importing

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// State is where an import stands.
type State string

// An import is PLANNING, then WORKING, REPORTING and DONE; or FAILED, when its file cannot be read at all.
const (
	Planning  State = "PLANNING"
	Working   State = "WORKING"
	Reporting State = "REPORTING"
	Done      State = "DONE"
	Failed    State = "FAILED"
)

// Final says that nothing happens to it any more.
func (s State) Final() bool { return s == Done || s == Failed }

// File is an object in a bucket.
type File struct {
	Name       string
	Generation int64 // of its content
	Size       int64 // bytes
	Metadata   map[string]string
	Created    time.Time
}

// Bucket keeps files. Errors are NOT_FOUND for what is not there, or not in that generation any more.
type Bucket interface {
	// Read reads stored bytes from an offset; length -1 is to the end. generation 0 is the live one.
	Read(ctx context.Context, name string, generation, offset, length int64) (io.ReadCloser, error)
	// Copy copies one generation to a name in the same bucket. If that exists, it is what is answered.
	Copy(ctx context.Context, from string, generation int64, to string) (File, error)
	// Delete deletes a generation; another one stays, and one that is gone already is fine.
	Delete(ctx context.Context, name string, generation int64) error
	// List is a page by name, behind after.
	List(ctx context.Context, prefix, after string, limit int) (files []File, next string, err error)
	// Write replaces a file with what write writes; nothing happens to it if that fails.
	Write(ctx context.Context, name, contentType string, write func(io.Writer) error) error
	// URL names a file for people: gs://bucket/name.
	URL(name string) string
}

// Import is one upload and what became of it.
type Import struct {
	ID         string
	Kind       rows.Kind   // what its rows are
	Source     string      // whose orders: the folder below orders/; empty for a catalogue
	Upload     File        // as it was uploaded
	Kept       File        // its copy, which nobody else writes: what is read
	Gzip       bool        // it is read in one pass, unpacked
	Layout     rows.Layout // what its header says
	Sequential string      // why it is read in one pass; empty if it is not
	State      State
	Problem    string    // FAILED: why the file cannot be read, for who uploaded it
	Planned    rows.Span // the last chunk that was cut
	Chunks     int       // cut so far
	ChunksDone int
	Read       int64 // bytes of chunks that are done
	Tally      Tally // of chunks that are done
	Created    time.Time
	Ended      time.Time
	Announced  bool      // OrdersImported is known to be published, or need not be
	NextLook   time.Time // when the sweep looks at it; zero once there is nothing left to do
	Version    any       `json:"-"` // the store's
}

// Chunk is a part of a file between two orders.
type Chunk struct {
	ImportID string
	Number   int // from 0
	Span     rows.Span
	At       rows.Span // what is left of it; its Offset is where it is read on from
	Done     bool
	Tally    Tally
	Rejects  []string // parts of the rejects, in the order of the file: names in the reports bucket
	Loose    int      // how many of the last of them are of one batch each
	Sent     int      // messages sent for it
	Changed  time.Time
	Version  any `json:"-"` // the store's
}

// touched says that somebody has worked on it.
func (c *Chunk) touched() bool { return c.Done || c.Sent > 0 || c.At.Offset > c.Span.Offset }

// Tally counts what came of rows.
type Tally struct {
	Rows           int64
	Orders         int64            // made
	AlreadyThere   int64            // made before, with the same content
	RejectedOrders int64            // with all their rows
	RejectedRows   int64            // of rejected orders; or of a catalogue
	Reasons        map[string]int64 // rejected orders, by reason; or a catalogue's rejected rows
	Money          map[string]int64 // what the orders that were made cost: minor units, by currency
	Items          int64            // of a catalogue: products set as its rows say
	Superseded     int64            // of a catalogue: products left as a newer file states them
}

// add adds another tally.
func (t *Tally) add(o Tally) {
	t.Rows += o.Rows
	t.Orders += o.Orders
	t.AlreadyThere += o.AlreadyThere
	t.RejectedOrders += o.RejectedOrders
	t.RejectedRows += o.RejectedRows
	t.Items += o.Items
	t.Superseded += o.Superseded
	t.Reasons, t.Money = sum(t.Reasons, o.Reasons), sum(t.Money, o.Money)
}

// sum adds up to the largest number there is.
func sum(a, b map[string]int64) map[string]int64 {
	out := maps.Clone(a)
	for k, n := range b {
		if out == nil {
			out = map[string]int64{}
		}
		out[k] += min(n, math.MaxInt64-out[k])
	}
	return out
}

// Store keeps imports and their chunks.
type Store interface {
	// Create writes a new import; ErrExists if there is one.
	Create(ctx context.Context, im *Import) error
	// Get reads an import; ErrNotFound if there is none.
	Get(ctx context.Context, id string) (*Import, error)
	// Save writes an import and chunks of it, new and old, in one commit; ErrConflict if any of them was changed since it
	// was read.
	Save(ctx context.Context, im *Import, chunks ...*Chunk) error
	// SaveChunk writes a chunk alone.
	SaveChunk(ctx context.Context, c *Chunk) error
	// Chunk reads a chunk; ErrNotFound if there is none.
	Chunk(ctx context.Context, id string, number int) (*Chunk, error)
	// ChunksOf are an import's chunks from a number on, by number, at most limit.
	ChunksOf(ctx context.Context, id string, from, limit int) ([]*Chunk, error)
	// List is a page of imports, newest first.
	List(ctx context.Context, pageSize int, pageToken string) (imports []*Import, next string, err error)
	// Due are at most limit imports that the sweep is to look at.
	Due(ctx context.Context, now time.Time, limit int) ([]*Import, error)
}

// The store's refusals.
var (
	ErrNotFound = fault.New(codes.NotFound, "import_not_found", "there is no such import")
	ErrExists   = fault.New(codes.AlreadyExists, "import_exists", "the import exists")
	ErrConflict = fault.New(codes.Aborted, "conflict", "the import was changed by somebody else")
)

// Messages tells others.
type Messages interface {
	// Work asks that a chunk be worked on. c.Sent tells one asking from the next.
	Work(ctx context.Context, c *Chunk) error
	// Announce tells that an import of orders ended.
	Announce(ctx context.Context, im *Import) error
}

// ID is an import's: the same upload, which is a bucket's object in one generation, is the same import.
func ID(bucket, name string, generation int64) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%d:%s%d:%s%d", len(bucket), bucket, len(name), name, generation))
	return strings.ToLower(base32.StdEncoding.EncodeToString(h[:20]))
}

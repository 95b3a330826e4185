package importing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/store/memory"
)

var (
	errTrouble = fault.New(codes.Unavailable, "", "trouble")
	errGone    = fault.New(codes.NotFound, "", "there is no such object")
	errRange   = fault.New(codes.OutOfRange, "", "nothing is stored there")
)

// process is what may die: then nothing that it does has an effect any more. before and after are asked at each of its
// operations; nil is a process that nothing befalls.
type process struct {
	before, after func(op string) error
	mu            sync.Mutex
	dead          bool
}

func (p *process) die() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	return errTrouble
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// do runs an operation unless the process is dead, and what befalls it before and after.
func (p *process) do(ctx context.Context, op string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p == nil {
		return f()
	}
	if p.isDead() {
		return errTrouble
	}
	if p.before != nil {
		if err := p.before(op); err != nil {
			return err
		}
	}
	if err := f(); err != nil || p.after == nil {
		return err
	}
	return p.after(op)
}

// object is one generation.
type object struct {
	importing.File
	data []byte
}

// bucket is a bucket as Cloud Storage is one: strict about generations and ranges.
type bucket struct {
	mu         sync.Mutex
	live       map[string]object
	generation int64
	open       int // readers that are not closed
	reads      int
}

func (b *bucket) put(name, data string, metadata map[string]string) importing.File {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.add(name, []byte(data), metadata)
}

func (b *bucket) add(name string, data []byte, metadata map[string]string) importing.File {
	b.generation++
	f := importing.File{Name: name, Generation: b.generation, Size: int64(len(data)), Metadata: metadata, Created: time.Now()}
	if b.live == nil {
		b.live = map[string]object{}
	}
	b.live[name] = object{f, data}
	return f
}

func (b *bucket) get(name string, generation int64) (object, error) {
	o, ok := b.live[name]
	if !ok || generation != 0 && o.Generation != generation {
		return object{}, errGone
	}
	return o, nil
}

func (b *bucket) text(name string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.live[name].data)
}

func (b *bucket) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.live))
}

func (b *bucket) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.live, name)
}

func (b *bucket) unclosed() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

// access is a bucket as one process sees it.
type access struct {
	*bucket
	by *process
}

func (a access) Read(ctx context.Context, name string, generation, offset, length int64) (r io.ReadCloser, err error) {
	err = a.by.do(ctx, "read", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		o, err := a.get(name, generation)
		if err != nil {
			return err
		}
		if offset >= o.Size && offset > 0 {
			return errRange
		}
		data := o.data[offset:]
		if length >= 0 {
			data = data[:min(length, int64(len(data)))]
		}
		a.open++
		a.reads++
		r = &reader{ctx: ctx, from: a, Reader: bytes.NewReader(data)}
		return nil
	})
	return r, err
}

type reader struct {
	*bytes.Reader
	ctx    context.Context
	from   access
	closed bool
}

func (r *reader) Read(p []byte) (n int, err error) {
	err = r.from.by.do(r.ctx, "reading", func() error {
		n, err = r.Reader.Read(p[:min(len(p), 64<<10)])
		return err
	})
	return n, err
}

// WriteTo hides that of bytes.Reader, which would go past the process.
func (r *reader) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, struct{ io.Reader }{r}) }

func (r *reader) Close() error {
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	if !r.closed {
		r.from.open--
		r.closed = true
	}
	return nil
}

func (a access) Copy(ctx context.Context, from string, generation int64, to string) (f importing.File, err error) {
	err = a.by.do(ctx, "copy", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		o, err := a.get(from, generation)
		if err != nil {
			return err // also if the copy is there: that is asked first
		}
		if there, ok := a.live[to]; ok {
			f = there.File
			return nil
		}
		f = a.add(to, o.data, o.Metadata)
		return nil
	})
	return f, err
}

func (a access) Delete(ctx context.Context, name string, generation int64) error {
	return a.by.do(ctx, "delete", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.live[name].Generation == generation {
			delete(a.live, name)
		}
		return nil
	})
}

func (a access) List(ctx context.Context, prefix, after string, limit int) (files []importing.File, next string, err error) {
	err = a.by.do(ctx, "list", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, name := range slices.Sorted(maps.Keys(a.live)) {
			if !strings.HasPrefix(name, prefix) || name <= after {
				continue
			}
			if len(files) == limit {
				next = files[limit-1].Name
				return nil
			}
			files = append(files, a.live[name].File)
		}
		return nil
	})
	return files, next, err
}

func (a access) Write(ctx context.Context, name, _ string, write func(io.Writer) error) error {
	var content bytes.Buffer
	if err := write(&content); err != nil {
		return err
	}
	return a.by.do(ctx, "write", func() error {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.add(name, content.Bytes(), nil)
		return nil
	})
}

func (a access) URL(name string) string { return "gs://bucket/" + name }

// made is an order that there is.
type made struct {
	importing.Order
	Total int64
}

// orders takes orders as order.Placing does. Products cost by their name; a product that starts with no- is refused.
type orders struct {
	mu    sync.Mutex
	made  map[string]made
	tries int
	takes func(importing.Order) time.Duration
}

const price = 250

func (o *orders) place(want importing.Order) (importing.Placed, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries++
	if o.made == nil {
		o.made = map[string]made{}
	}
	total := int64(0)
	for _, l := range want.Lines {
		if strings.HasPrefix(l.SKU, "no-") {
			return importing.Placed{}, &fault.Error{
				Code: codes.InvalidArgument, Reason: "unknown_sku", Message: "some products cannot be ordered",
				Fields: []fault.Field{{Name: "lines.sku", Message: "the catalogue has no " + l.SKU}}, Cause: fmt.Errorf("secret of ours"),
			}
		}
		each := int64(price)
		if l.UnitPrice != nil {
			each = *l.UnitPrice
		}
		total += each * int64(l.Quantity)
	}
	key := want.Source + "/" + want.Ref
	there, ok := o.made[key]
	if !ok {
		there = made{want, total}
		o.made[key] = there
	}
	placed := importing.Placed{ImportID: there.ImportID, FirstLine: there.FirstLine, Currency: "GBP", MinorUnits: there.Total}
	if content(there.Order) != content(want) {
		return placed, fault.New(codes.InvalidArgument, importing.AlreadyImported, "order_ref %s was imported before, with other content", want.Ref)
	}
	return placed, nil
}

// content is what tells orders apart.
func content(o importing.Order) string {
	o.ImportID, o.FirstLine = "", 0
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// all are the orders that there are, by source and order_ref.
func (o *orders) all() map[string]made {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.made)
}

func (o *orders) refs() []string { return slices.Sorted(maps.Keys(o.all())) }

type placing struct {
	*orders
	by *process
}

func (p placing) Place(ctx context.Context, o importing.Order) (placed importing.Placed, err error) {
	if p.takes != nil {
		select {
		case <-time.After(p.takes(o)):
		case <-ctx.Done():
		}
	}
	err = p.by.do(ctx, "place", func() (err error) {
		placed, err = p.place(o)
		return err
	})
	return placed, err
}

// message asks for a chunk.
type message struct {
	id    string
	chunk int
}

// world is everything that processes share.
type world struct {
	t         testing.TB
	uploads   bucket
	reports   bucket
	orders    orders
	db        memory.Database
	mu        sync.Mutex
	queue     []message
	sent      []int // of each message that was sent
	announced map[string][]importing.Tally

	chunk    int64
	budget   time.Duration
	parallel int
	trusted  []string
}

const (
	patience = 10 * time.Minute
	grace    = 5 * time.Minute
)

func newWorld(t testing.TB) *world {
	return &world{t: t, chunk: 1 << 20, budget: 3 * time.Minute, parallel: 4, announced: map[string][]importing.Tally{}}
}

// run runs a test in a bubble of its own, where waiting takes no time.
func run(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, newWorld(t)) })
}

type telling struct {
	*world
	by *process
}

func (m telling) Work(ctx context.Context, c *importing.Chunk) error {
	return m.by.do(ctx, "ask", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.queue = append(m.queue, message{c.ImportID, c.Number})
		m.sent = append(m.sent, c.Sent)
		return nil
	})
}

func (m telling) Announce(ctx context.Context, im *importing.Import) error {
	return m.by.do(ctx, "announce", func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.announced[im.ID] = append(m.announced[im.ID], im.Tally)
		return nil
	})
}

// database is the database as one process sees it.
type database struct {
	db *memory.Database
	by *process
}

func (d database) Get(ctx context.Context, paths ...string) (out []store.Document, err error) {
	err = d.by.do(ctx, "get", func() error { out, err = d.db.Get(ctx, paths...); return err })
	return out, err
}

func (d database) Commit(ctx context.Context, writes ...store.Write) (at time.Time, err error) {
	err = d.by.do(ctx, "commit", func() error { at, err = d.db.Commit(ctx, writes...); return err })
	return at, err
}

func (d database) Query(ctx context.Context, q store.Query) (out []store.Document, err error) {
	err = d.by.do(ctx, "query", func() error { out, err = d.db.Query(ctx, q); return err })
	return out, err
}

func (w *world) reporter(by *process) importing.Reporter {
	return importing.Reporter{
		Imports: store.NewImports(database{&w.db, by}), Reports: access{&w.reports, by}, Messages: telling{w, by}, Now: time.Now,
		Summary: func(im *importing.Import) ([]byte, error) { return json.Marshal(im) },
	}
}

func (w *world) planner(by *process) importing.Planner {
	return importing.Planner{Reporter: w.reporter(by), Uploads: access{&w.uploads, by}, UploadsIn: "uploads", Patience: patience, ChunkSize: w.chunk}
}

func (w *world) worker(by *process) importing.Worker {
	return importing.Worker{
		Reporter: w.reporter(by), Uploads: access{&w.uploads, by}, Orders: placing{&w.orders, by}, Patience: patience, Budget: w.budget,
		Parallel: w.parallel, Trusted: func(source string) bool { return slices.Contains(w.trusted, source) },
	}
}

func (w *world) sweeper(by *process) importing.Sweeper {
	return importing.Sweeper{Planner: w.planner(by), Grace: grace}
}

func (w *world) sweep() importing.Swept {
	w.t.Helper()
	swept, err := w.sweeper(nil).Sweep(w.t.Context())
	if err != nil {
		w.t.Errorf("sweep: %v", err)
	}
	return swept
}

// take takes a message off the queue; any one, as their order is nobody's.
func (w *world) take() (message, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return message{}, false
	}
	i := rand.IntN(len(w.queue))
	m := w.queue[i]
	w.queue = slices.Delete(w.queue, i, i+1)
	return m, true
}

// drain works on every message until there is none. Nothing may go wrong, and nothing loop.
func (w *world) drain() {
	w.t.Helper()
	for n := 0; ; n++ {
		m, ok := w.take()
		if !ok {
			return
		}
		if err := w.worker(nil).Work(w.t.Context(), m.id, m.chunk); err != nil {
			w.t.Fatalf("work on chunk %d: %v", m.chunk, err)
		}
		if n > 1000 {
			w.t.Fatal("messages go on and on")
		}
	}
}

// upload puts a file in a source's folder, plans it, and works until all is quiet.
func (w *world) upload(name, data string) *importing.Import {
	w.t.Helper()
	return w.finish(w.uploads.put(name, data, nil))
}

func (w *world) finish(f importing.File) *importing.Import {
	w.t.Helper()
	if err := w.planner(nil).Plan(w.t.Context(), f); err != nil {
		w.t.Fatalf("plan %s: %v", f.Name, err)
	}
	w.drain()
	return w.of(f)
}

func idOf(f importing.File) string { return importing.ID("uploads", f.Name, f.Generation) }

// of is the import of an upload.
func (w *world) of(f importing.File) *importing.Import {
	w.t.Helper()
	im, err := store.NewImports(&w.db).Get(w.t.Context(), idOf(f))
	if err != nil {
		w.t.Fatalf("import of %s: %v", f.Name, err)
	}
	return im
}

func (w *world) rejects(im *importing.Import) string {
	return w.reports.text(importing.RejectsName(im))
}

// ended checks what holds for every import at its end: it is reported, announced with one content, and nothing is left.
func (w *world) ended(im *importing.Import) {
	w.t.Helper()
	if !im.State.Final() || !im.Announced || !im.NextLook.IsZero() || im.Ended.IsZero() {
		w.t.Errorf("import ended as %s, announced %v, next look %v, ended %v: %s", im.State, im.Announced, im.NextLook, im.Ended, im.Problem)
	}
	told := w.announced[im.ID]
	if len(told) == 0 {
		w.t.Errorf("OrdersImported was not announced")
	}
	for _, tally := range told {
		w.same("announced", im.Tally, tally)
	}
	var summary importing.Import
	if err := json.Unmarshal([]byte(w.reports.text(importing.SummaryName(im.ID))), &summary); err != nil {
		w.t.Errorf("summary: %v", err)
	}
	want := *im
	want.Announced, want.NextLook, want.Version = summary.Announced, summary.NextLook, nil
	w.same("summary", want, summary)
	if got := w.rejects(im) != ""; got != (im.Tally.RejectedRows > 0) {
		w.t.Errorf("there is a file of rejects: %v, with %d rejected rows", got, im.Tally.RejectedRows)
	}
	for _, name := range w.uploads.names() {
		if name == im.Upload.Name && w.uploads.live[name].Generation == im.Upload.Generation {
			w.t.Errorf("upload %s was not moved away", name)
		}
	}
	if n := w.uploads.unclosed() + w.reports.unclosed(); n > 0 {
		w.t.Errorf("%d readers were not closed", n)
	}
}

func (w *world) same(what string, want, got any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// says checks that a text has all of these words.
func (w *world) says(what, text string, words ...string) {
	w.t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.t.Errorf("%s does not say %q: %.600q", what, word, text)
		}
	}
}

const head = "order_ref,customer_id,sku,quantity\n"

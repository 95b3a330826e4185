package importing_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"orderflow.dev/internal/importing"
)

// A random file, and what is in it.
type (
	file struct {
		text   string
		json   bool
		orders []ordered
	}
	ordered struct {
		ref  string
		rows []row
		good bool
		cost int64
		kind int // two orders of one kind and order_ref have the same content
	}
	row struct {
		text string
		line int64
	}
)

func drawFile(t *rapid.T) file {
	var (
		f    = file{json: rapid.Bool().Draw(t, "json")}
		end  = rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line break")
		b    strings.Builder
		line = int64(1)
	)
	if rapid.Bool().Draw(t, "byte order mark") {
		b.WriteString("\xEF\xBB\xBF")
	}
	if !f.json {
		b.WriteString("order_ref,customer_id,sku,quantity,note" + end)
		line++
	}
	for i := range rapid.IntRange(1, 40).Draw(t, "orders") {
		o := drawOrder(t, &f, i)
		for r := range o.rows {
			o.rows[r].line = line
			b.WriteString(o.rows[r].text + end)
			line += 1 + int64(strings.Count(o.rows[r].text, "\n"))
			if rapid.IntRange(0, 9).Draw(t, "blank") == 0 {
				b.WriteString(end)
				line++
			}
		}
		f.orders = append(f.orders, o)
	}
	f.text = b.String()
	if rapid.Bool().Draw(t, "no last line break") {
		f.text = strings.TrimRight(f.text, "\r\n")
	}
	return f
}

func drawOrder(t *rapid.T, f *file, i int) ordered {
	o := ordered{ref: fmt.Sprintf("o%d", i), good: true, kind: rapid.IntRange(1, 2).Draw(t, "kind")}
	if i > 1 && rapid.IntRange(0, 7).Draw(t, "repeat") == 0 {
		if ref := f.orders[rapid.IntRange(0, i-2).Draw(t, "which")].ref; ref != f.orders[i-1].ref {
			o.ref = ref
		}
	}
	wrong := rapid.IntRange(0, 9).Draw(t, "wrong")
	for r := range o.kind {
		sku, quantity, note := fmt.Sprint("s", r), fmt.Sprint(o.kind), ""
		if r > 0 && rapid.IntRange(0, 2).Draw(t, "note") == 0 { // an order's note is that of its first row
			note = "two\nlines, with \"quotes\""
		}
		switch {
		case wrong == 0 && r == o.kind-1:
			quantity, o.good = "0", false
		case wrong == 1:
			sku, o.good = "no-such", false
		}
		o.rows = append(o.rows, row{text: f.row(o.ref, sku, quantity, note)})
		o.cost += price * int64(o.kind)
	}
	return o
}

func (f *file) row(ref, sku, quantity, note string) string {
	if f.json {
		return fmt.Sprintf(`{"customer_id":"c1","note":%q,"order_ref":%q,"quantity":%s,"sku":%q}`, note, ref, quantity, sku)
	}
	if note != "" {
		note = `"` + strings.ReplaceAll(note, `"`, `""`) + `"`
	}
	return strings.Join([]string{ref, "c1", sku, quantity, note}, ",")
}

// check compares an import with counting by hand. Of orders with one order_ref in several chunks any good one may have
// been made, but exactly one.
func (f *file) check(w *world, im *importing.Import, before map[string]made) error {
	var (
		wrong error
		want  importing.Tally
		rows  []row
		there = w.orders.all()
		mine  = 0
		good  = map[string]bool{}
	)
	want.Money = map[string]int64{}
	for _, o := range f.orders {
		good[o.ref] = good[o.ref] || o.good
	}
	for _, o := range f.orders {
		want.Rows += int64(len(o.rows))
		it, ok := there["acme/"+o.ref]
		if ok != good[o.ref] {
			wrong = errors.Join(wrong, fmt.Errorf("order %s is there: %v, want %v", o.ref, ok, good[o.ref]))
		}
		_, old := before["acme/"+o.ref]
		switch {
		case o.good && it.ImportID == im.ID && it.FirstLine == o.rows[0].line:
			mine++
			want.Orders++
			want.Money["GBP"] += o.cost
			if it.Total != o.cost {
				wrong = errors.Join(wrong, fmt.Errorf("order %s costs %d, want %d", o.ref, it.Total, o.cost))
			}
		case o.good && old && len(it.Lines) == o.kind:
			want.AlreadyThere++
		default:
			want.RejectedOrders++
			want.RejectedRows += int64(len(o.rows))
			rows = append(rows, o.rows...)
		}
	}
	if len(there) != mine+len(before) {
		wrong = errors.Join(wrong, fmt.Errorf("%d orders are there; %d are of this import, %d were there before", len(there), mine, len(before)))
	}
	got := im.Tally
	reasons := int64(0)
	for _, n := range got.Reasons {
		reasons += n
	}
	got.Reasons = nil
	if got.Money == nil {
		got.Money = map[string]int64{}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || reasons != want.RejectedOrders || im.State != importing.Done || im.ChunksDone != im.Chunks {
		wrong = errors.Join(wrong, fmt.Errorf("%s %s, %d of %d chunks, tally %v, want %v", im.State, im.Problem, im.ChunksDone, im.Chunks, im.Tally, want))
	}
	return errors.Join(wrong, f.checkRejects(w.rejects(im), rows))
}

// checkRejects checks that the rejects are these rows, in this order, each with its line.
func (f *file) checkRejects(text string, want []row) error {
	if !f.json && len(want) > 0 {
		header := "order_ref,customer_id,sku,quantity,note,rejected_line,rejected_reason\n"
		if !strings.HasPrefix(text, header) {
			return fmt.Errorf("rejects begin with %.100q", text)
		}
		text = text[len(header):]
	}
	for _, r := range want {
		start := fmt.Sprintf("%s,%d,", r.text, r.line)
		if f.json { // by name, ours stand before sku
			before, after, _ := strings.Cut(r.text, `,"sku"`)
			start = fmt.Sprintf(`%s,"rejected_line":%d,"rejected_reason":"`, before, r.line)
			if first, _, _ := strings.Cut(text, "\n"); !strings.HasSuffix(first, `,"sku"`+after) {
				return fmt.Errorf("rejects go on with %.300q, want %q", text, r.text)
			}
		}
		rest, ok := strings.CutPrefix(text, start)
		if !ok {
			return fmt.Errorf("rejects go on with %.300q, want %q", text, start)
		}
		_, text, _ = strings.Cut(rest, "\n") // a reason has no line break
	}
	if text != "" {
		return fmt.Errorf("rejects go on with %.300q after the last", text)
	}
	return nil
}

// chaos is what befalls everybody until it is over.
type chaos struct {
	mu      sync.Mutex
	rnd     *rand.Rand
	trouble int // percent of operations
	deaths  int // per thousand
	over    bool
}

func (c *chaos) chance(n, of int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.over && c.rnd.IntN(of) < n
}

func (c *chaos) process() *process {
	p := &process{}
	befall := func(string) error {
		switch {
		case c.chance(c.deaths, 1000):
			return p.die()
		case c.chance(c.trouble, 100):
			return errTrouble
		}
		return nil
	}
	p.before, p.after = befall, befall
	return p
}

// deliver delivers messages to workers at the same time: some twice, some to nobody, and whatever fails again later.
func (c *chaos) deliver(w *world, wg *sync.WaitGroup) {
	m, ok := w.take()
	if !ok {
		return
	}
	copies := 1
	if c.chance(20, 100) {
		copies = 3
	}
	if c.chance(5, 100) {
		copies = 0
	}
	for range copies {
		wg.Go(func() {
			if err := w.worker(c.process()).Work(w.t.Context(), m.id, m.chunk); err != nil {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.queue = append(w.queue, m)
			}
		})
	}
}

// importAll imports a file amid chaos, and then in peace, until nothing is left to do.
func (c *chaos) importAll(w *world, text string) (*importing.Import, error) {
	f := w.uploads.put("orders/acme/a.csv", text, nil)
	var wg sync.WaitGroup
	c.over = false
	for round := range 30 {
		if c.chance(30, 100) || round == 0 {
			wg.Go(func() { _ = w.planner(c.process()).Plan(w.t.Context(), f) })
		}
		for range 3 {
			c.deliver(w, &wg)
		}
		if c.chance(20, 100) {
			wg.Go(func() { _, _ = w.sweeper(c.process()).Sweep(w.t.Context()) })
		}
		if c.chance(60, 100) {
			wg.Wait() // otherwise they go on beside the next
		}
		if c.chance(30, 100) {
			time.Sleep(patience / 2)
		}
	}
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	wg.Wait()
	w.uploads.open, w.reports.open = 0, 0 // a process that dies closes nothing
	for round := 0; ; round++ {
		for n := 0; len(w.queue) > 0; n++ {
			c.deliver(w, &wg)
			wg.Wait()
			if n > 1000 {
				return nil, errors.New("messages come again and again")
			}
		}
		time.Sleep(patience)
		swept, err := w.sweeper(nil).Sweep(w.t.Context())
		if err == nil && swept == (importing.Swept{}) && len(w.queue) == 0 {
			return w.of(f), nil
		}
		if round == 20 {
			return nil, fmt.Errorf("sweeps go on: %+v, %w", swept, err)
		}
	}
}

// complaints keeps what is wrong from failing the test for good: rapid looks for the least file with which it is.
type complaints struct {
	testing.TB
	wrong error
}

func (c *complaints) Errorf(format string, args ...any) {
	c.wrong = errors.Join(c.wrong, fmt.Errorf(format, args...))
}

// Whatever dies or fails at whichever step, whatever comes twice, late or never, whoever is at work on a chunk at the
// same time: in the end the orders, the tally and the rejects are those of the file, and again they are there already.
func TestWhateverBefallsEveryOrderIsMadeOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		f := drawFile(rt)
		text := f.text
		if rapid.IntRange(0, 3).Draw(rt, "gzip") == 0 {
			text = zipped(text)
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		c := &chaos{
			rnd:     rand.New(rand.NewPCG(seed, 0)),
			trouble: rapid.IntRange(0, 10).Draw(rt, "trouble"), deaths: rapid.IntRange(0, 30).Draw(rt, "deaths"),
		}
		chunk := rapid.Int64Range(1, 1500).Draw(rt, "chunk size")
		budget := time.Duration(rapid.IntRange(0, 60).Draw(rt, "budget")) * time.Second
		parallel := rapid.IntRange(1, 8).Draw(rt, "parallel")
		var wrong error
		synctest.Test(t, func(t *testing.T) {
			said := &complaints{TB: t}
			w := newWorld(said)
			w.chunk, w.budget, w.parallel = chunk, budget, parallel
			w.orders.takes = func(importing.Order) time.Duration { return rand.N(10 * time.Second) }
			for range 2 {
				before := maps.Clone(w.orders.all())
				im, err := c.importAll(w, text)
				if err == nil {
					w.ended(im)
					err = errors.Join(f.check(w, im, before), said.wrong)
				}
				if wrong = err; wrong != nil {
					return
				}
			}
		})
		if wrong != nil {
			rt.Fatalf("%v\nof %q", wrong, f.text)
		}
	})
}

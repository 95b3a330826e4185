package catchup_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/journal"
)

// pasts are what may happen to an order, a letter an event, and legal is every beginning of one.
var (
	pasts = []string{"P", "PTT", "PC", "PTCRD", "PCR", "PCRD", "PS", "PSTX", "PSX", "PTSX", "PTSTTX"}
	legal = regexp.MustCompile(`^PT*(C(RD?)?|ST*X?)?$`)
)

// lost is an order of which a restore lost events, and what the restored pipeline did with it before it was caught up.
type lost struct {
	id       string
	journal  []journal.Entry // as it is
	archived []journal.Entry // some of what was published, before and after the restore
}

func drawLost(t *rapid.T, id string) lost {
	past := rapid.SampledFrom(pasts).Draw(t, "past")
	before := happened(id, past, "")
	o := lost{id: id, journal: before[:rapid.IntRange(0, len(before)).Draw(t, "kept")]}
	published := slices.Clone(before)
	if rapid.IntRange(0, 2).Draw(t, "went on") == 0 {
		kept := past[:len(o.journal)]
		others := slices.DeleteFunc(slices.Clone(pasts), func(p string) bool { return !strings.HasPrefix(p, kept) })
		anew := happened(id, rapid.SampledFrom(others).Draw(t, "as")[len(kept):], "anew", o.journal...)
		o.journal = append(slices.Clone(o.journal), anew[:rapid.IntRange(0, len(anew)).Draw(t, "for")]...)
		published = append(published, anew...)
	}
	if rapid.Bool().Draw(t, "gaps") {
		published = slices.DeleteFunc(published, func(journal.Entry) bool { return rapid.IntRange(0, 4).Draw(t, "never archived") == 0 })
	}
	for _, e := range published {
		for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "times") {
			o.archived = append(o.archived, e)
		}
	}
	return o
}

// want works out, event by event, what the journal is to be and whether a person is to be told.
func (o lost) want() (entries []journal.Entry, problem bool) {
	at := func(seq int) (found []journal.Entry) { // the first of those that say the same
		for _, e := range o.archived {
			if e.Event.GetSeq() != int64(seq) {
				continue
			}
			i := slices.IndexFunc(found, func(f journal.Entry) bool { return alike(f, e) })
			switch {
			case i < 0:
				found = append(found, e)
			case e.Event.GetEventTime().AsTime().Before(found[i].Event.GetEventTime().AsTime()):
				found[i] = e
			}
		}
		return found
	}
	for i, e := range o.journal {
		for _, a := range at(i + 1) {
			if !alike(a, e) {
				return o.journal, true
			}
		}
	}
	entries = slices.Clone(o.journal)
	for found := at(len(entries) + 1); len(found) == 1; found = at(len(entries) + 1) {
		if !legal.MatchString(letters(entries) + letters(found)) {
			break
		}
		entries = append(entries, found[0])
	}
	for _, e := range o.archived {
		problem = problem || e.Event.GetSeq() > int64(len(entries))
	}
	return entries, problem
}

// alike says that two entries of one place say the same: what their customers were told is true of both.
func alike(a, b journal.Entry) bool {
	letter := letters([]journal.Entry{a})
	return letter == letters([]journal.Entry{b}) && (proto.Equal(a.Event, b.Event) || !strings.Contains(unlike, letter))
}

func letters(entries []journal.Entry) (all string) {
	names := map[string]string{
		"OrderCreated": "P", "OrderConfirmed": "C", "OrderCancellationStarted": "S", "OrderCancelled": "X", "OrderRetried": "T",
		"OrderRefundRequested": "R", "OrderRefunded": "D",
	}
	for _, e := range entries {
		all += names[string(e.Event.ProtoReflect().Descriptor().Name())]
	}
	return all
}

// Whatever was lost, and whatever of it is archived, in any order and however often: journals gain the longest legal
// continuation without a gap and are never rewritten, a dry run says so beforehand, and a second time nothing is left to do.
func TestJournalsGainWhatFollowsThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		journals := map[string][]journal.Entry{}
		var all []lost
		var records []archive.Record
		for n := range rapid.IntRange(1, 4).Draw(rt, "orders") {
			o := drawLost(rt, fmt.Sprint("o", n))
			all = append(all, o)
			if len(o.journal) > 0 {
				journals[o.id] = o.journal
			}
			for _, e := range o.archived {
				records = append(records, record(t, "orders", e))
			}
		}
		records = rapid.Permutation(records).Draw(rt, "archive")
		s, db, p := orders(t, journals)
		would := catchUp(t, s, true, records...)
		for id, entries := range journals {
			got, _ := entriesOf(t, db, id)
			same(rt, "after a dry run, journal", entries, got)
		}
		outcomes := catchUp(t, s, false, records...)
		for _, o := range all {
			want, problem := o.want()
			got, published := entriesOf(t, db, o.id)
			same(rt, "journal", want, got)
			out := outcomes[o.id]
			if (out.Person != "") != problem {
				rt.Errorf("%s: a person is told %q, want it told %v", o.id, out.Person, problem)
			}
			same(rt, "appended", want[len(o.journal):], out.Appended)
			if len(out.Appended) > 0 && published != int64(len(want)) {
				rt.Errorf("%s: %d of %d are marked as published", o.id, published, len(want))
			}
			if rebuilt := len(o.journal) == 0 && len(want) > 0; out.Rebuilt != rebuilt || out.Hold != (len(want) == 0 && len(o.archived) > 0) {
				rt.Errorf("%s: rebuilt %v, hold %v", o.id, out.Rebuilt, out.Hold)
			}
			if before := would[o.id]; before.Person != out.Person || len(before.Appended) != len(out.Appended) ||
				before.Would != nil && len(before.Would.Journal.Entries) != len(want) || (before.Would != nil) != (len(out.Appended) > 0) {
				rt.Errorf("%s: a dry run said %+v of %+v", o.id, before, out)
			}
		}
		for id, out := range catchUp(t, s, false, records...) {
			if len(out.Appended) > 0 || out.Rebuilt {
				rt.Errorf("%s: a second time %+v", id, out)
			}
		}
		if p.n > 0 {
			rt.Errorf("%d events were published", p.n)
		}
	})
}

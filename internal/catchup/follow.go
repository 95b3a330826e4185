package catchup

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/order"
)

// follow appends to an order's journal what is archived behind it, up to the first gap, and marks it as published. problem is
// why something archived was left out; empty if nothing was. A journal of another past than the archive's gets nothing.
func follow(o *order.Order, archived events) (appended []journal.Entry, problem string) {
	before := len(o.Journal.Entries)
	for _, seq := range slices.Sorted(maps.Keys(archived)) {
		entries := archived[seq]
		switch next := o.Journal.Next(); {
		case seq < next:
			if problem = differs(o.Journal.Entries[seq-1], entries); problem == "" {
				continue
			}
		case seq > next:
			problem = gap(next, seq, entries[0])
		case len(entries) > 1:
			problem = fmt.Sprintf("the archive has its event %d as %s and as %s: the pipeline went on from an older state before. Nothing was appended from there on: ask its customer what they were told",
				seq, what(entries[0]), what(entries[1]))
		case !o.Follows(entries[0].Event):
			problem = fmt.Sprintf("the archive has %s as its event %d, which cannot follow its journal: something else was written since. Ask its customer what they were told",
				what(entries[0]), seq)
		default:
			o.Journal.Entries = append(o.Journal.Entries, entries[0])
			continue
		}
		break
	}
	if appended = o.Journal.Entries[before:]; len(appended) > 0 {
		o.Journal.Witness(o.Journal.Next() - 1) // the archive has what was published, and writers publish in order
	}
	return appended, problem
}

// differs says that what a journal has is not all that was published under its seq.
func differs(has journal.Entry, archived []journal.Entry) string {
	for _, e := range archived {
		if !alike(has, e) {
			return fmt.Sprintf("its event %d is %s, and %s was published as that before: the journal stands, as the pipeline went on with it. If its customer was told otherwise, that is no longer true: tell them",
				e.Event.GetSeq(), what(has), what(e))
		}
	}
	return ""
}

func gap(next, seq int64, e journal.Entry) string {
	if next == 1 {
		return fmt.Sprintf("the order is lost, and %s was archived as its event %d, and its first event is not in what was read of the archive: catch up again from an earlier time (--archived-since), before anything is given back",
			what(e), seq)
	}
	return fmt.Sprintf("its event %d is not in the archive, and %s was archived as its event %d: nothing was appended from there on. If it is still so in ten minutes, ask its customer what they were told",
		next, what(e), seq)
}

// what names an event with its time.
func what(e journal.Entry) string {
	return fmt.Sprintf("%s of %s", e.Event.ProtoReflect().Descriptor().Name(), e.Event.GetEventTime().AsTime().Format(time.RFC3339))
}

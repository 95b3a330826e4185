package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/promise"
	"orderflow.dev/internal/repair"
)

func TestOutcomesSayWhatWasDoneAndWhatIsLeft(t *testing.T) {
	t.Parallel()
	found := repair.Finding{OrderID: "o1", What: "order LOST", Acts: []repair.Act{{Do: repair.Refund}, {Do: repair.Release}}}
	person := found
	person.Person = "it is lost"
	for want, o := range map[string]repair.Outcome{
		"· o1: order LOST\n    give the money back, then release the stock\n":                    {Finding: found},
		"✓ o1: order LOST\n    give the money back\n    note: N\n    for a person: it is lost\n": {Finding: person, Done: []repair.Deed{repair.Refund}, Note: "N"},
		"✗ o1: order LOST\n    not done: no answer\n":                                            {Finding: found, Err: errors.New("no answer")},
		"✗ o1: order LOST\n    for a person: they differ\n    not done: they differ\n":           {Finding: found, Err: fault.New(codes.DataLoss, "contradiction", "they differ")},
		"· stock: 3 are held\n    count held stock again\n":                                      {Finding: repair.Finding{What: "3 are held", Acts: []repair.Act{{Do: repair.Recount}}}},
	} {
		var out bytes.Buffer
		printOutcome(&out, o)
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("printed (-want +got):\n%s", diff)
		}
	}
}

func TestWhatAPersonWasToldOfIsNotToldAsBroken(t *testing.T) {
	t.Parallel()
	all := violationsByOrder([]promise.Verdict{{Promise: "p", Violations: []promise.Violation{{OrderID: "a"}, {OrderID: "b"}, {}}}})
	left := persons{"a": "lost"}.others(all)
	if len(left) != 2 || left[0].orderID != "" || left[1].orderID != "b" {
		t.Errorf("left %+v, want that of no order and b's", left)
	}
}

func TestRepairsOfAProjectAskForItsServices(t *testing.T) {
	t.Parallel()
	c := checkCommand()
	c.SetArgs([]string{"--project", "p", "--repair"})
	c.SilenceUsage, c.SilenceErrors = true, true
	if err := c.ExecuteContext(t.Context()); err == nil {
		t.Error("no error")
	}
	d := drillRestore()
	d.SetArgs([]string{"--orders", "0"})
	d.SilenceUsage, d.SilenceErrors = true, true
	if err := d.ExecuteContext(t.Context()); err == nil {
		t.Error("a drill of no orders")
	}
}

// ruins is a place after a restore, which says what it was asked to do.
type ruins struct {
	place
	caught []catchup.Outcome
	world  promise.World
	since  time.Time
	asked  bool
}

func (r *ruins) CatchUp(_ context.Context, o catchup.Options) ([]catchup.Outcome, int, error) {
	r.since, r.asked = o.Since, true
	return r.caught, 7, nil
}

func (r *ruins) World(context.Context) (promise.World, error) { return r.world, nil }

func TestOrdersAreCaughtUpBeforeAnythingIsPlanned(t *testing.T) {
	t.Parallel()
	created := journal.Entry{Event: &eventv1.OrderCreated{OrderId: "o1", Seq: 1}}
	var out bytes.Buffer
	at := &ruins{caught: []catchup.Outcome{
		{OrderID: "o1", Rebuilt: true, Appended: []journal.Entry{created}},
		{OrderID: "o2", Person: "they differ"},
	}}
	left, rebuilt, err := mend(t.Context(), &out, at, checkFlags{archivedSince: "2h"})
	if err != nil || rebuilt != 1 || len(left) != 1 || left["o2"] != "they differ" {
		t.Errorf("left %v, rebuilt %d, error %v", left, rebuilt, err)
	}
	if ago := time.Since(at.since); ago < 2*time.Hour || ago > 3*time.Hour {
		t.Errorf("read from %s on", at.since)
	}
	for _, want := range []string{
		"✓ o1: lost, and rebuilt from the archive: OrderCreated\n    for a person: it was lost",
		"· o2: nothing appended from the archive\n    for a person: they differ\n",
		"read 7 events since", "2 orders lacked some or differ, 1 were lost", "looked into 2, 2 are for a person",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestNothingIsUndoneWhileTheArchiveIsNotReadWhole(t *testing.T) {
	t.Parallel()
	lost := promise.World{Ledger: []promise.Movement{{Type: "charge", OrderID: "o1", Amount: 1, Currency: "GBP"}}}
	var out bytes.Buffer
	failed := &ruins{world: lost, caught: []catchup.Outcome{{OrderID: "o1", Err: errors.New("no answer")}}}
	if _, _, err := mend(t.Context(), &out, failed, checkFlags{archivedSince: "2h"}); err == nil || strings.Contains(out.String(), "LOST") {
		t.Errorf("error %v, printed\n%s", err, out.String())
	}
	if _, _, err := mend(t.Context(), &out, failed, checkFlags{archivedSince: "yesterday"}); err == nil {
		t.Error("no error of a time that is none")
	}
	without := &ruins{world: lost}
	if _, _, err := mend(t.Context(), &out, without, checkFlags{archivedSince: "0s", dryRun: true}); err != nil || without.asked || !strings.Contains(out.String(), "LOST") {
		t.Errorf("without an archive: asked %v, error %v, printed\n%s", without.asked, err, out.String())
	}
}

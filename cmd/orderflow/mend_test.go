package main

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
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

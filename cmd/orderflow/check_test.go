package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/promise"
)

var someVerdicts = []promise.Verdict{
	{Promise: "p1", Checked: 3, What: "orders", Violations: []promise.Violation{{OrderID: "b", Why: "w1"}, {OrderID: "a", Why: "w2"}}},
	{Promise: "p2", Checked: 1, What: "products", Violations: []promise.Violation{{Why: "w3"}, {OrderID: "b", Why: "w4"}}, Note: "a note"},
}

func TestViolationsAreToldOrderByOrder(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := printViolations(t.Context(), &out, nil, violationsByOrder(someVerdicts), 0); err != nil {
		t.Fatal(err)
	}
	const want = `
✗ of no one order
  p2: w3

✗ order a
  p1: w2

✗ order b
  p1: w1
  p2: w4
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

func TestTheTableHasARowAPromise(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	printVerdicts(&out, someVerdicts)
	var rows [][]string
	for line := range strings.Lines(out.String()) {
		rows = append(rows, strings.Fields(line))
	}
	want := [][]string{{"promise", "checked", "violations"}, {"p1", "3", "orders", "2"}, {"p2", "1", "products", "2", "a", "note"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestCheckHelpHasExamples(t *testing.T) {
	t.Parallel()
	c := checkCommand()
	if !strings.Contains(c.Example, "orderflow check --wait 30s") || c.Flags().Lookup("wait") == nil {
		t.Errorf("the example is\n%s", c.Example)
	}
}

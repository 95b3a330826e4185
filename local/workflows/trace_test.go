package workflows_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/workflows"
)

func TestTheTraceIsATreeOfAllThatRan(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{Trace: true, Clock: newClock()}, `
main:
  steps:
  - init: {assign: [{n: 0}]}
  - loop:
      for:
        value: v
        range: [1, 2]
        steps:
        - choose: {switch: [{condition: "${v == 2}", assign: [{n: 2}]}]}
  - again:
      try: {call: sub, args: {n: "${n}"}}
      retry: {predicate: "${retry.always}", max_retries: 1}
      except: {as: e, steps: [{skip: {next: fork}}]}
  - fork:
      parallel:
        branches:
        - one: {steps: [{a: {assign: [{x: 1}]}}]}
        - two: {steps: [{b: {raise: no}}]}
sub:
  params: [n]
  steps:
  - fail: {raise: {n: "${n}"}}
`, "")
	if got := tree(x.Trace); got != strings.TrimPrefix(`
init STEP_ASSIGN
loop STEP_FOR
  loop STEP_FOR_ITERATION
    choose STEP_SWITCH
  loop STEP_FOR_ITERATION
    choose STEP_SWITCH
      choose STEP_CONDITION
        choose STEP_ASSIGN
again STEP_TRY_RETRY_EXCEPT
  again STEP_TRY !{"n":2}
    again STEP_CALL !{"n":2}
      fail STEP_RAISE !{"n":2}
  again STEP_RETRY !{"n":2}
    again STEP_CALL !{"n":2}
      fail STEP_RAISE !{"n":2}
  again STEP_EXCEPT
    skip STEP_GOTO
fork STEP_PARALLEL_BRANCH !UnhandledBranchError
  fork STEP_PARALLEL_BRANCH_ENTRY 1
    a STEP_ASSIGN 1
  fork STEP_PARALLEL_BRANCH_ENTRY 2 !"no"
    b STEP_RAISE 2 !"no"
`, "\n") {
		t.Errorf("the tree:\n%s", got)
	}
	for i, s := range x.Trace {
		if s.ID != int64(i)+1 || s.Start.IsZero() || s.End.Before(s.Start) {
			t.Errorf("entry %d: %+v", i+1, s)
		}
	}
}

// tree draws a trace, each entry below its parent, and checks who comes after whom.
func tree(trace []workflows.StepTrace) string {
	var b strings.Builder
	var draw func(parent int64, depth int)
	draw = func(parent int64, depth int) {
		for _, s := range trace {
			if s.Parent != parent {
				continue
			}
			fmt.Fprintf(&b, "%s%s %s", strings.Repeat("  ", depth), s.Step, s.Type)
			if s.Thread > 0 {
				fmt.Fprintf(&b, " %d", s.Thread)
			}
			if strings.Contains(s.Payload, "UnhandledBranchError") {
				s.Payload = "UnhandledBranchError"
			}
			if s.Payload != "" {
				fmt.Fprintf(&b, " !%s", s.Payload)
			}
			b.WriteByte('\n')
			draw(s.ID, depth+1)
		}
	}
	draw(0, 0)
	return b.String()
}

func TestATraceSaysWhatCameBefore(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{Trace: true}, `[{a: {assign: [{x: 1}]}}, {b: {steps: [{c: {assign: [{x: 2}]}}]}}, {d: {return: 1}}]`, "")
	var got [][2]int64
	for _, s := range x.Trace {
		got = append(got, [2]int64{s.ID, s.Previous})
	}
	if diff := cmp.Diff([][2]int64{{1, 0}, {2, 1}, {3, 2}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

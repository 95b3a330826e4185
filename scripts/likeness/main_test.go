package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const printed = `=== RUN   TestAll
=== RUN   TestAll/One
=== RUN   TestAll/Two
=== RUN   TestAll/Two/Deep
    two_test.go:1: --- PASS: TestAll/Three is not so
=== RUN   TestAll/Four
=== RUN   TestAlone
=== RUN   TestAll/Five
--- FAIL: TestAll (1.00s)
    --- PASS: TestAll/One (0.10s)
    --- FAIL: TestAll/Two (0.10s)
        --- FAIL: TestAll/Two/Deep (0.10s)
    --- SKIP: TestAll/Four (0.00s)
--- PASS: TestAlone (0.00s)
panic: runtime error
`

func TestEachTestHasOneOutcome(t *testing.T) {
	t.Parallel()
	want := results{
		"TestAll/One": pass, "TestAll/Two": fail, "TestAll/Four": skip, "TestAll/Five": absent, "TestAlone": pass,
	}
	if diff := cmp.Diff(want, parse(printed)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWhatPassesOnGooglesEmulatorOnlyIsAnError(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		google, ours results
		want         string // part of the error
	}{
		"alike":                  {results{"a": pass, "b": fail}, results{"a": pass, "b": fail}, ""},
		"better":                 {results{"a": fail}, results{"a": pass}, ""},
		"failed":                 {results{"a": pass}, results{"a": fail}, "only: a"},
		"skipped":                {results{"a": pass}, results{"a": skip}, "only: a"},
		"a panic before it":      {results{"a": pass, "b": pass}, results{"a": pass}, "only: b"},
		"Google's emulator only": {results{"a": pass}, nil, ""},
		"ours only":              {nil, results{"a": fail}, ""},
	} {
		outcomes := map[string]results{}
		if tt.google != nil {
			outcomes[googles] = tt.google
		}
		if tt.ours != nil {
			outcomes[embedded] = tt.ours
		}
		err := verdict(outcomes)
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasSuffix(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestTheReportNamesWhatDidNotPassEverywhere(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report(&out, []server{{googles, ""}, {embedded, ""}},
		map[string]results{googles: {"a": pass, "b": fail, "c": skip}, embedded: {"a": pass, "b": pass, "c": skip}})
	for _, want := range []string{
		"google    1 passed of 3, 1 failed, 1 skipped, 0 did not end\n", "embedded  2 passed of 3",
		"b" + strings.Repeat(" ", 70) + "google: FAIL, embedded: PASS\n", "google: SKIP, embedded: SKIP\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "  a ") {
		t.Errorf("what passed everywhere is listed:\n%s", out.String())
	}
}

func TestWhatIsAskedForIsChecked(t *testing.T) {
	t.Parallel()
	c := likeness(&bytes.Buffer{})
	c.SetArgs([]string{"--on", "nothing"})
	if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), `not "nothing"`) {
		t.Errorf("got %v", err)
	}
}

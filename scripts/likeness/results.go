package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// results are PASS, FAIL, SKIP or ABSENT by test: one that a panic kept from ending is absent.
type results map[string]string

const (
	pass   = "PASS"
	fail   = "FAIL"
	skip   = "SKIP"
	absent = "ABSENT"
)

// ended matches the line at a test's end.
var ended = regexp.MustCompile(`(?m)^ *--- (PASS|FAIL|SKIP): (\S+)`)

// begun matches the line at a test's beginning.
var begun = regexp.MustCompile(`(?m)^=== RUN +(\S+)`)

// parse reads what go test -v prints. Of tests within tests it takes the first level, where there is one.
func parse(output string) results {
	r := results{}
	for _, m := range begun.FindAllStringSubmatch(output, -1) {
		r[m[1]] = absent
	}
	for _, m := range ended.FindAllStringSubmatch(output, -1) {
		r[m[2]] = m[1]
	}
	for test := range maps.Clone(r) {
		if parent, name, sub := strings.Cut(test, "/"); sub {
			delete(r, parent)
			if strings.Contains(name, "/") {
				delete(r, test)
			}
		}
	}
	return r
}

func (r results) count(outcome string) (n int) {
	for _, o := range r {
		if o == outcome {
			n++
		}
	}
	return n
}

// report prints how many tests passed on each server, and those that did not pass on all.
func report(out io.Writer, servers []server, outcomes map[string]results) {
	tests := map[string]bool{}
	for _, s := range servers {
		r := outcomes[s.name]
		fmt.Fprintf(out, "%-9s %d passed of %d, %d failed, %d skipped, %d did not end\n",
			s.name, r.count(pass), len(r), r.count(fail), r.count(skip), r.count(absent))
		for test := range r {
			tests[test] = true
		}
	}
	for _, test := range slices.Sorted(maps.Keys(tests)) {
		var outcome []string
		for _, s := range servers {
			outcome = append(outcome, fmt.Sprintf("%s: %s", s.name, outcomes[s.name][test]))
		}
		if !allPass(servers, outcomes, test) {
			fmt.Fprintf(out, "  %-70s %s\n", test, strings.Join(outcome, ", "))
		}
	}
}

func allPass(servers []server, outcomes map[string]results, test string) bool {
	return !slices.ContainsFunc(servers, func(s server) bool { return outcomes[s.name][test] != pass })
}

// verdict is an error if a test passes on Google's emulator only.
func verdict(outcomes map[string]results) error {
	var worse []string
	for _, test := range slices.Sorted(maps.Keys(outcomes[googles])) {
		if ours := outcomes[embedded]; ours != nil && outcomes[googles][test] == pass && ours[test] != pass {
			worse = append(worse, test)
		}
	}
	if len(worse) > 0 {
		return fmt.Errorf("passed on Google's emulator only: %s", strings.Join(worse, ", "))
	}
	return nil
}

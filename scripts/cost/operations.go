package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// operations are the billed operations of one order, as docs/operations.md counts them.
type operations struct {
	reads, writes, publishes, deliveries, invocations, steps int64
}

var columns = []string{"Ending", "Reads", "Writes", "Publishes", "Deliveries", "Invocations", "Steps"}

// parseOperations reads the table of operations, by ending. It takes exactly what the test that writes the table
// writes: another column, a gap or a cell that is no number is an error, never a zero.
func parseOperations(page string) (map[string]operations, error) {
	var header []string
	endings := map[string]operations{}
	for i, l := range strings.Split(page, "\n") {
		if !strings.HasPrefix(l, "|") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(l), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case header == nil:
			if header = cells; !slices.Equal(header, columns) {
				return nil, fmt.Errorf("line %d: the columns are %q, not %q", i+1, header, columns)
			}
			continue
		case strings.HasPrefix(cells[0], "---"):
			continue
		case len(cells) != len(columns):
			return nil, fmt.Errorf("line %d: %d cells, not %d", i+1, len(cells), len(columns))
		}
		var o operations
		for j, n := range []*int64{&o.reads, &o.writes, &o.publishes, &o.deliveries, &o.invocations, &o.steps} {
			v, err := strconv.ParseUint(cells[j+1], 10, 31)
			if err != nil {
				return nil, fmt.Errorf("line %d, %s: %q is no count", i+1, columns[j+1], cells[j+1])
			}
			*n = int64(v)
		}
		if _, twice := endings[cells[0]]; twice {
			return nil, fmt.Errorf("line %d: %q is there twice", i+1, cells[0])
		}
		endings[cells[0]] = o
	}
	if len(endings) == 0 {
		return nil, errors.New("it has no table of operations")
	}
	return endings, nil
}

// share is how many of a hundred orders end so, and how often each of them calls through the gateway.
type share struct {
	ending  string
	percent int64
	calls   int64
}

// million adds up a million orders of a mixture.
func million(endings map[string]operations, mix []share) (sum operations, calls int64, err error) {
	percent := int64(0)
	for _, s := range mix {
		o, ok := endings[s.ending]
		if !ok {
			return sum, 0, fmt.Errorf("%s does not count the ending %q", operationsFile, s.ending)
		}
		n := s.percent * 1_000_000 / 100
		sum.reads += n * o.reads
		sum.writes += n * o.writes
		sum.publishes += n * o.publishes
		sum.deliveries += n * o.deliveries
		sum.invocations += n * o.invocations
		sum.steps += n * o.steps
		calls += n * s.calls
		percent += s.percent
	}
	if percent != 100 {
		return sum, 0, fmt.Errorf("the shares of a mixture are %d %% together", percent)
	}
	return sum, calls, nil
}

package likeness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"google.golang.org/grpc/codes"
)

// tally counts what was compared.
type tally struct {
	mu        sync.Mutex
	alike     map[string]map[codes.Code]int // by kind
	explained map[string]int                // by difference
	kinds     map[string]int                // explained, by kind
	others    []string                      // differences that are not explained
}

func newTally() *tally {
	return &tally{alike: map[string]map[codes.Code]int{}, explained: map[string]int{}, kinds: map[string]int{}}
}

func (y *tally) same(kind string, code codes.Code) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.alike[kind] == nil {
		y.alike[kind] = map[codes.Code]int{}
	}
	y.alike[kind][code]++
}

func (y *tally) explain(kind, difference string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.explained[difference]++
	y.kinds[kind]++
}

func (y *tally) unexplain(difference string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.others = append(y.others, difference)
}

// compared is how many answers were.
func (y *tally) compared() (n int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for _, byCode := range y.alike {
		for _, count := range byCode {
			n += count
		}
	}
	for _, count := range y.kinds {
		n += count
	}
	return n
}

// String is a table of kinds and codes, and the differences that were explained.
func (y *tally) String() string {
	n := y.compared()
	y.mu.Lock()
	defer y.mu.Unlock()
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, kind := range slices.Sorted(maps.Keys(y.alike)) {
		var counts []string
		total := y.kinds[kind]
		for _, code := range slices.Sorted(maps.Keys(y.alike[kind])) {
			total += y.alike[kind][code]
			counts = append(counts, fmt.Sprintf("%s %d", code, y.alike[kind][code]))
		}
		fmt.Fprintf(w, "  %s\t%d\t%s\n", kind, total, strings.Join(counts, ", "))
	}
	w.Flush()
	explained := 0
	for _, name := range slices.Sorted(maps.Keys(y.explained)) {
		explained += y.explained[name]
		fmt.Fprintf(&b, "  explained, %d times: %s\n", y.explained[name], name)
	}
	fmt.Fprintf(&b, "%d operations compared, %d differences explained, %d unexplained\n", n+len(y.others), explained, len(y.others))
	return b.String()
}

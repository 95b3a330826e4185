package value

import (
	"cmp"
	"strconv"
	"strings"
)

// CompareNames orders documents' names, or paths, as __name__ does: segment by segment. A path comes before those
// below it.
func CompareNames(a, b string) int {
	for {
		segmentA, restA, moreA := strings.Cut(a, "/")
		segmentB, restB, moreB := strings.Cut(b, "/")
		if c := compareSegments(segmentA, segmentB); c != 0 {
			return c
		}
		if !moreA || !moreB {
			return compareBooleans(moreA, moreB)
		}
		a, b = restA, restB
	}
}

// compareSegments puts numeric ids first, by their number.
func compareSegments(a, b string) int {
	x, numericA := numericID(a)
	y, numericB := numericID(b)
	switch {
	case numericA && numericB:
		return cmp.Compare(x, y)
	case numericA != numericB:
		return compareBooleans(numericB, numericA)
	}
	return strings.Compare(a, b)
}

// numericID reads an id that came from Datastore, where ids may be numbers: __id7__ is 7.
func numericID(segment string) (int64, bool) {
	digits, ok := strings.CutPrefix(segment, "__id")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "__")
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, ok && err == nil && strconv.FormatInt(id, 10) == digits
}

package rows

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

const (
	longestQuote = 40 // characters of a file that an error repeats
	longestList  = 20 // names that an error lists
)

// refused is an error of who made the file.
func refused(reason, format string, args ...any) error {
	return fault.New(codes.InvalidArgument, reason, format, args...)
}

// quote is a text from a file as an error shows it: in quotes, not too long, nothing in it that a terminal obeys.
func quote(text string) string {
	cut := short(text)
	if cut != text {
		return strconv.Quote(cut) + "..."
	}
	return strconv.Quote(text)
}

// short is the beginning of a text.
func short(text string) string {
	n := 0
	for i := range text {
		if n++; n > longestQuote {
			return text[:i]
		}
	}
	return text
}

// listed is names in words: a, b and c.
func listed(names []string) string {
	switch n := len(names); {
	case n == 0:
		return "nothing"
	case n == 1:
		return names[0]
	case n > longestList:
		return strings.Join(names[:longestList], ", ") + " and " + counted(int64(n-longestList), "other")
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = quote(name)
	}
	return out
}

// counted is 1 row, 2 rows.
func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

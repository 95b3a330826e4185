package rows_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

const head = "order_ref,customer_id,sku,quantity\n"

// open opens a file that can be opened.
func open(t testing.TB, file string, limits rows.Limits) *rows.Reader {
	t.Helper()
	r, err := rows.Open(strings.NewReader(file), rows.Columns{}, limits)
	if err != nil {
		t.Fatalf("open %.200q: %v", file, err)
	}
	return r
}

// all are all rows that a reader has left.
func all(t testing.TB, r *rows.Reader) (found []rows.Row) {
	t.Helper()
	for {
		row, err := r.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, row)
	}
}

// groups are all groups that a reader has left.
func groups(t testing.TB, r *rows.Reader) (found []*rows.Group) {
	t.Helper()
	for g, err := range r.Groups() {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, g)
	}
	return found
}

// parts are the parts into which a reader splits what it has left.
func parts(t testing.TB, r *rows.Reader, size int64) (found []rows.Span) {
	t.Helper()
	err := r.Split(size, func(part rows.Span) error {
		found = append(found, part)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// resume reads a part of a file.
func resume(t testing.TB, file string, l rows.Layout, part rows.Span) *rows.Reader {
	t.Helper()
	r, err := rows.Resume(strings.NewReader(file[part.Offset:]), l, part)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// same compares errors by what they say.
func same(t testing.TB, what string, want, got any) {
	t.Helper()
	words := cmp.Transformer("words", func(err error) string { return fmt.Sprint(err) })
	if diff := cmp.Diff(want, got, words); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// tells checks an error's reason and that it says all of these words.
func tells(t testing.TB, what string, err error, reason string, words ...string) {
	t.Helper()
	if fault.Reason(err) != reason {
		t.Errorf("%s: reason %q, want %q: %v", what, fault.Reason(err), reason, err)
	}
	for _, w := range words {
		if !strings.Contains(fmt.Sprint(err), w) {
			t.Errorf("%s: %q does not say %q", what, fmt.Sprint(err), w)
		}
	}
}

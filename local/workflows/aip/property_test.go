package aip_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/workflows/aip"
)

var anItem = rapid.Custom(func(t *rapid.T) item {
	i := item{
		name: rapid.StringN(0, 2, -1).Draw(t, "name"), state: rapid.SampledFrom([]string{"NEW", "OLD", "GONE"}).Draw(t, "state"),
		took: time.Duration(rapid.Int64Range(-1, 1<<60).Draw(t, "took")), odd: rapid.Bool().Draw(t, "odd"),
	}
	if rapid.Bool().Draw(t, "timed") {
		i.at = time.Unix(rapid.Int64Range(-1e9, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	}
	return i
})

// TestPagesMakeTheWholeListWhateverComesAndGoes: what is there all the while is
// seen once, in order, though pages change between requests.
func TestPagesMakeTheWholeListWhateverComesAndGoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		stay := rapid.SliceOfN(anItem, 0, 12).Draw(t, "stay")
		come := rapid.SliceOfN(anItem, 0, 12).Draw(t, "come and go")
		for i := range stay {
			stay[i].id = int64(2 * i)
		}
		for i := range come {
			come[i].id = int64(2*i + 1)
		}
		l := list
		l.Newest = rapid.Bool().Draw(t, "newest")
		r := aip.Request{
			Filter:  rapid.SampledFrom([]string{"", "odd=true", "took>1s OR state=OLD"}).Draw(t, "filter"),
			OrderBy: rapid.SampledFrom([]string{"", "state", "at desc", "took, nameis desc", "name_is", "odd desc,at"}).Draw(t, "order"),
		}
		whole := r
		var want []item
		for {
			p, err := l.Page(stay, whole)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, p.Items...)
			if whole.Token = p.Next; whole.Token == "" {
				break
			}
		}
		var got []item
		for {
			r.Size = rapid.IntRange(1, 4).Draw(t, "size")
			now := slices.Concat(come[rapid.IntRange(0, len(come)).Draw(t, "from"):], stay)
			p, err := l.Page(now, r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.Items...)
			if r.Token = p.Next; r.Token == "" {
				break
			}
		}
		got = slices.DeleteFunc(got, func(i item) bool { return i.id%2 == 1 })
		if diff := gocmp.Diff(ids(want), ids(got)); diff != "" {
			t.Errorf("%+v (-whole +paged):\n%s", r, diff)
		}
	})
}

// TestAFilterIsItsLogic compares generated filters with what they mean.
func TestAFilterIsItsLogic(t *testing.T) {
	t.Parallel()
	type meaning struct {
		text string
		of   func(item) bool
	}
	comparison := rapid.Custom(func(t *rapid.T) meaning {
		n := rapid.Int64Range(0, 9).Draw(t, "n")
		op := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">="}).Draw(t, "op")
		return meaning{fmt.Sprintf("id%s%d", op, n), func(i item) bool {
			c := cmp.Compare(i.id, n)
			return map[string]bool{"=": c == 0, "!=": c != 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[op]
		}}
	})
	var expression func(depth int) *rapid.Generator[meaning]
	expression = func(depth int) *rapid.Generator[meaning] {
		return rapid.Custom(func(t *rapid.T) meaning {
			kind := rapid.IntRange(0, 4).Draw(t, "kind")
			if depth == 0 || kind == 0 {
				return comparison.Draw(t, "comparison")
			}
			a, b := expression(depth-1).Draw(t, "a"), expression(depth-1).Draw(t, "b")
			switch kind {
			case 1:
				return meaning{"(" + a.text + ") AND (" + b.text + ")", func(i item) bool { return a.of(i) && b.of(i) }}
			case 2:
				return meaning{"(" + a.text + ") OR (" + b.text + ")", func(i item) bool { return a.of(i) || b.of(i) }}
			case 3:
				return meaning{"(" + a.text + ") (" + b.text + ")", func(i item) bool { return a.of(i) && b.of(i) }}
			}
			return meaning{"NOT (" + a.text + ")", func(i item) bool { return !a.of(i) }}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		m := expression(3).Draw(t, "filter")
		for id := range int64(10) {
			p, err := list.Page([]item{{id: id}}, aip.Request{Filter: m.text})
			if err != nil {
				t.Fatal(err)
			}
			if taken := len(p.Items) == 1; taken != m.of(item{id: id}) {
				t.Errorf("%s takes %d: %v", m.text, id, taken)
			}
		}
	})
}

// FuzzPage: no request makes it panic, and a page that has a next one is not empty.
func FuzzPage(f *testing.F) {
	first, err := list.Page(items, aip.Request{Size: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`state="NEW" AND NOT (id>1 OR labels.a:*)`, `at desc, id`, "", 1, 0)
	f.Add(`-took>=1.5s name_is='x\'' at<2026-01-01`, ``, "", 0, 2)
	f.Add(``, ``, first.Next, 1, 0)
	f.Fuzz(func(t *testing.T, filter, order, token string, size, skip int) {
		p, err := list.Page(items, aip.Request{Filter: filter, OrderBy: order, Token: token, Size: size, Skip: skip})
		if err == nil && p.Next != "" && len(p.Items) == 0 {
			t.Error("an empty page has a next one")
		}
	})
}

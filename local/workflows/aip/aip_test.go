package aip_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orderflow.dev/local/workflows/aip"
)

// item is a resource with a field of each kind.
type item struct {
	id     int64
	name   string
	state  string
	at     time.Time
	took   time.Duration // unset while negative
	odd    bool
	labels map[string]string
}

var list = aip.List[item]{
	Fields: map[string]aip.Field[item]{
		"id":     aip.Int(func(i item) int64 { return i.id }),
		"nameis": aip.Text(func(i item) string { return i.name }),
		"hidden": aip.Text(func(i item) string { return i.name }).FilterOnly(),
		"state":  aip.Enum(func(i item) string { return i.state }, "NEW", "OLD", "GONE"),
		"at":     aip.Time(func(i item) time.Time { return i.at }),
		"took":   aip.Duration(func(i item) (time.Duration, bool) { return i.took, i.took >= 0 }),
		"odd":    aip.Bool(func(i item) bool { return i.odd }),
		"labels": aip.Map(func(i item) map[string]string { return i.labels }),
	},
	Last:    aip.Int(func(i item) int64 { return i.id }),
	Default: 3, Most: 5,
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

var items = []item{
	{1, "alpha", "NEW", at("2026-01-01T00:00:00Z"), -1, true, nil},
	{2, "beta", "OLD", at("2026-01-01T12:00:00Z"), time.Second, false, map[string]string{"a": "1"}},
	{3, `ga"m'ma`, "GONE", at("2026-01-02T00:00:00Z"), 1500 * time.Millisecond, true, map[string]string{"a": "2", "b.c": ""}},
	{4, "", "NEW", time.Time{}, 0, false, map[string]string{"b": "1"}},
}

func ids(items []item) string {
	var out []string
	for _, i := range items {
		out = append(out, fmt.Sprint(i.id))
	}
	return strings.Join(out, " ")
}

func TestAFilterTakesWhatItSays(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		``:                                 "1 2 3 4",
		"  \n":                             "1 2 3 4",
		`state="NEW"`:                      "1 4",
		`state = NEW`:                      "1 4",
		`state != 'NEW'`:                   "2 3",
		`state:NEW`:                        "1 4",
		`id>2`:                             "3 4",
		`id >= 2 id<4`:                     "2 3",
		`id=1 OR id=2 AND state=NEW`:       "1",     // OR binds tighter
		`(id=1) OR (id=2 AND state=NEW)`:   "1",     // as does this
		`id=3 OR (id=2 AND state=OLD)`:     "2 3",   // here it matters
		`state=NEW AND id=1 OR id=2`:       "1",     // not 1 2
		`NOT id=1`:                         "2 3 4", // NOT binds tightest
		`NOT id=1 AND id<4`:                "2 3",
		`NOT (id=1 OR id=4)`:               "2 3",
		`-id=1`:                            "2 3 4",
		`-(id=1)`:                          "2 3 4",
		`NOT(id=1)`:                        "2 3 4",
		`at>"2026-01-01"`:                  "2 3",
		`at>="2026-01-01"`:                 "1 2 3",
		`at = 2026-01-01T12:00:00Z`:        "2",
		`at = 2026-01-01T13:00:00+01:00`:   "2",
		`at<"2026-01-01T12:00:00.000001Z"`: "1 2", // what is unset is in no order
		`at!="2026-01-01"`:                 "2 3 4",
		`at:*`:                             "1 2 3",
		`NOT at:*`:                         "4",
		`took=1s`:                          "2",
		`took>=1.5s`:                       "3",
		`took<"1s"`:                        "4",
		`took!=1s`:                         "1 3 4",
		`odd=true`:                         "1 3",
		`odd!=true`:                        "2 4",
		`nameIs=alpha`:                     "1",
		`name_is="alpha"`:                  "1",
		`NAMEIS=alpha`:                     "1",
		`nameIs="a*"`:                      "1",
		`nameIs="*a"`:                      "1 2 3",
		`nameIs="*et*"`:                    "2",
		`nameIs!="*et*"`:                   "1 3 4",
		`nameIs="*"`:                       "1 2 3 4",
		`nameIs:et`:                        "2",
		`nameIs:*`:                         "1 2 3",
		`nameIs=""`:                        "4",
		`nameIs>alpha`:                     "2 3",
		`nameIs="ga\"m'ma"`:                "3",
		`nameIs='ga"m\'ma'`:                "3",
		`labels.a="1"`:                     "2",
		`labels.a=1`:                       "2",
		`labels.a!=1`:                      "1 3 4",
		`labels.a:*`:                       "2 3",
		`labels:a`:                         "2 3",
		`labels:*`:                         "2 3 4",
		`labels."b.c"=""`:                  "3",
		`labels:"b.c"`:                     "3",
		`(((id=1)))`:                       "1",
		`( id = 1 ) OR ( id = 2 )`:         "1 2",
		`state=NEW AND(id=1)`:              "1",
		`NOT NOT_A=1 OR id=1`:              "error", // NOT_A is a field of another name
		`NOT`:                              "error",
		`id`:                               "error",
		`alpha`:                            "error", // no search
		`id=`:                              "error",
		`id=1 AND`:                         "error",
		`id=1 OR`:                          "error",
		`AND id=1`:                         "error",
		`(id=1`:                            "error",
		`id=1)`:                            "error",
		`()`:                               "error",
		`id==1`:                            "error",
		`id=1.5`:                           "error",
		`state=FRESH`:                      "error",
		`state>NEW`:                        "error",
		`odd=1`:                            "error",
		`odd>true`:                         "error",
		`at=yesterday`:                     "error",
		`took=1`:                           "error",
		`took=1m`:                          "error",
		`took=1ms`:                         "error",
		`labels=a`:                         "error",
		`labels.=a`:                        "error",
		`id.x=1`:                           "error",
		`nameIs="open`:                     "error",
		`nothing=1`:                        "error",
		strings.Repeat("(", 5000):          "error",
		strings.Repeat("id=1 ", 1000):      "error", // too long
	} {
		p, err := list.Page(items, aip.Request{Filter: filter, Size: 5})
		got := ids(p.Items)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%.60s: %s (%v), want %s", filter, got, err, want)
		}
	}
}

func TestAnOrderSortsByItsFields(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		``:                     "1 2 3 4",
		`id desc`:              "4 3 2 1",
		`state`:                "1 4 2 3",
		`state desc`:           "3 2 1 4",
		`state, id desc`:       "4 1 2 3",
		`at`:                   "4 1 2 3", // unset first
		`at desc`:              "3 2 1 4",
		`took asc`:             "1 4 2 3",
		`name_is`:              "4 1 2 3",
		`odd,  state  desc,id`: "2 4 3 1",
		`odd,`:                 "error",
		`hidden`:               "error",
		`labels`:               "error",
		`labels.a`:             "error",
		`nothing`:              "error",
		`id up`:                "error",
		`id asc desc`:          "error",
	} {
		p, err := list.Page(items, aip.Request{OrderBy: order, Size: 5})
		got := ids(p.Items)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", order, got, err, want)
		}
	}
}

func TestAPageIsAsLargeAsItMayBe(t *testing.T) {
	t.Parallel()
	many := make([]item, 8)
	for i := range many {
		many[i].id = int64(i)
	}
	for _, tc := range []struct {
		r    aip.Request
		want string
		more bool
	}{
		{aip.Request{}, "0 1 2", true},
		{aip.Request{Size: 9}, "0 1 2 3 4", true},
		{aip.Request{Size: 1}, "0", true},
		{aip.Request{Size: 5, Skip: 3}, "3 4 5 6 7", false},
		{aip.Request{Size: 5, Skip: 9}, "", false},
		{aip.Request{Size: 5, Filter: "id<5"}, "0 1 2 3 4", false},
	} {
		p, err := list.Page(many, tc.r)
		if err != nil || ids(p.Items) != tc.want || (p.Next != "") != tc.more {
			t.Errorf("%+v: %s, next %q, %v", tc.r, ids(p.Items), p.Next, err)
		}
	}
	p, err := list.Page(many, aip.Request{Size: 2, Filter: "id>0"})
	if err != nil || p.Total != 7 {
		t.Errorf("total %d, want 7 (%v)", p.Total, err)
	}
	second, err := list.Page(many, aip.Request{Size: 2, Filter: "id>0", Token: p.Next, Skip: 1})
	if err != nil || ids(second.Items) != "4 5" || second.Total != 7 {
		t.Errorf("after a token and a skip: %s of %d (%v)", ids(second.Items), second.Total, err)
	}
	for name, r := range map[string]aip.Request{
		"another filter": {Token: p.Next},
		"another order":  {Token: p.Next, Filter: "id>0", OrderBy: "id"},
		"no token":       {Token: "x", Filter: "id>0"},
		"a cut token":    {Token: p.Next[:len(p.Next)-4], Filter: "id>0"},
		"negative size":  {Size: -1},
		"negative skip":  {Skip: -1},
	} {
		if got, err := list.Page(many, r); err == nil {
			t.Errorf("%s: %s", name, ids(got.Items))
		}
	}
}

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

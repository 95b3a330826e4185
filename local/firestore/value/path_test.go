package value

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestAPathIsReadAndWritten(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]Path{
		"a":              {"a"},
		"a.b.c":          {"a", "b", "c"},
		"_A0.__name__":   {"_A0", "__name__"},
		"`a.b`.c":        {"a.b", "c"},
		"`1`":            {"1"},
		"a.`b c`":        {"a", "b c"},
		"`\\``.`\\\\`":   {"`", "\\"},
		"`\\\\\\``":      {"\\`"},
		"`größe`.`a-b`":  {"größe", "a-b"},
		"`a\nb`.`\x00é`": {"a\nb", "\x00é"},
	} {
		got, err := ParsePath(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", s, d)
		}
		if back := want.String(); back != s {
			t.Errorf("%q is written %q", s, back)
		}
	}
}

func TestANameThatNeedsNoBackquotesMayHaveThem(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"`a`.b.`c`", "a.`b`.c"} {
		if got, err := ParsePath(s); err != nil || got.String() != "a.b.c" {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
}

func TestAMalformedPathIsRefusedWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":        "character 1 is empty",
		".":       "character 1 is empty",
		"a.":      "character 3 is empty",
		"a..b":    "character 3 is empty",
		".a":      "character 1 is empty",
		"``":      "character 1 is empty",
		"a.``":    "character 3 is empty",
		"1a":      "character 1 needs a name in backquotes",
		"a.1":     "character 3 needs a name in backquotes",
		"a-b":     "character 2 needs a name in backquotes",
		"größe":   "character 3 needs a name in backquotes",
		"a b":     "character 2 needs a name in backquotes",
		"a`b`":    "character 2 needs a name in backquotes",
		"`a`b":    "character 4 needs a name in backquotes",
		"`a":      "backquote at character 1 is not closed",
		"a.`b.c":  "backquote at character 3 is not closed",
		"`a\\`":   "backquote at character 1 is not closed",
		"`a\\":    "backslash at character 3 escapes neither",
		"`\\x`":   "backslash at character 2 escapes neither",
		"`\xff`":  "not UTF-8",
		"a.\xc3b": "not UTF-8",
	} {
		if p, err := ParsePath(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %q, %v; want an error with %q", s, p, err, want)
		}
	}
}

func FuzzAPathThatIsReadIsWrittenAlike(f *testing.F) {
	for _, s := range []string{"a.b", "`a.b`.c", "`\\`\\\\`", "`", "a..b", "`\\x`", "\xff", "é", "`é`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		again, err := ParsePath(p.String())
		if err != nil || !slices.Equal(p, again) {
			t.Errorf("%q is %q, written %q, read %q, %v", s, []string(p), p.String(), []string(again), err)
		}
	})
}

func FuzzAnyNamesMakeAPath(f *testing.F) {
	f.Add("a", "b")
	f.Add("`", "\\")
	f.Add(".", "\\`.`")
	f.Add("\n", "ü")
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" || !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		want := Path{a, b}
		if got, err := ParsePath(want.String()); err != nil || !slices.Equal(want, got) {
			t.Errorf("%q, %q is written %q, read %q, %v", a, b, want.String(), []string(got), err)
		}
	})
}

func number(n int64) *pb.Value { return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: n}} }

func nest(fields map[string]*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields}}}
}

func TestAValueIsFoundSetAndTakenAwayByItsPath(t *testing.T) {
	t.Parallel()
	fields := map[string]*pb.Value{"n": number(1), "empty": nest(nil)}
	Path{"m", "a b", "x"}.Set(fields, number(2))
	Path{"m", "a b", "y"}.Set(fields, number(3))
	Path{"empty", "z"}.Set(fields, number(4))
	want := map[string]*pb.Value{
		"n": number(1), "empty": nest(map[string]*pb.Value{"z": number(4)}),
		"m": nest(map[string]*pb.Value{"a b": nest(map[string]*pb.Value{"x": number(2), "y": number(3)})}),
	}
	if d := cmp.Diff(want, fields, protocmp.Transform()); d != "" {
		t.Errorf("set (-want +got):\n%s", d)
	}
	if got := (Path{"m", "a b", "y"}).Get(fields); got.GetIntegerValue() != 3 {
		t.Errorf("got %v", got)
	}
	for _, none := range []Path{{"x"}, {"n", "x"}, {"m", "x"}, {"m", "a b", "z"}, {"m", "x", "y"}, {"n", "x", "y"}} {
		if got := none.Get(fields); got != nil {
			t.Errorf("%s: got %v", none, got)
		}
		none.Delete(fields)
	}
	Path{"m", "a b", "x"}.Delete(fields)
	Path{"m", "a b", "y"}.Delete(fields)
	Path{"n"}.Delete(fields)
	want = map[string]*pb.Value{
		"empty": nest(map[string]*pb.Value{"z": number(4)}), "m": nest(map[string]*pb.Value{"a b": nest(nil)}),
	}
	if d := cmp.Diff(want, fields, protocmp.Transform()); d != "" {
		t.Errorf("taken away (-want +got):\n%s", d)
	}
}

func TestWhatIsNoMapBecomesOneOnTheWay(t *testing.T) {
	t.Parallel()
	fields := map[string]*pb.Value{"n": number(1)}
	Path{"n", "x"}.Set(fields, number(2))
	want := map[string]*pb.Value{"n": nest(map[string]*pb.Value{"x": number(2)})}
	if d := cmp.Diff(want, fields, protocmp.Transform()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

package query_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/testing/protocmp"

	"orderflow.dev/local/firestore/query"
)

// kinds has a document of each kind of value in the field a.
func kinds() *view {
	v := &view{}
	for path, o := range map[string]object{
		"c/n": {"a": nil}, "c/bf": {"a": false}, "c/bt": {"a": true}, "c/nan": {"a": nan}, "c/ninf": {"a": math.Inf(-1)},
		"c/i1": {"a": 1, "b": 1}, "c/i2": {"a": 2}, "c/d1": {"a": 1.0, "b": 2}, "c/t": {"a": time.Unix(1577836800, 0)},
		"c/s": {"a": "x"}, "c/y": {"a": []byte("\x00\x01")}, "c/r": {"a": ref("c/i1")},
		"c/g": {"a": &latlng.LatLng{Latitude: 1, Longitude: 2}}, "c/a1": {"a": list{1, nil, nan, "x"}},
		"c/v": {"a": vector{1}}, "c/m": {"a": object{"x": 1}}, "c/none": {"b": 1},
		"c/i1/d/x": {"a": 7}, "c/zz/d/y": {"a": 8}, "d/z": {"a": 9},
	} {
		v.add(path, o)
	}
	return v
}

const (
	byA    = "n bf bt nan ninf d1 i1 i2 t s y r g a1 v m"
	byName = "a1 bf bt d1 g i1 i2 m n nan ninf none r s t v y"
)

// without is a list of ids without some.
func without(ids string, gone ...string) string {
	var left []string
	for _, id := range strings.Fields(ids) {
		if !strings.Contains(" "+strings.Join(gone, " ")+" ", " "+id+" ") {
			left = append(left, id)
		}
	}
	return strings.Join(left, " ")
}

// behind is a list of ids from one on.
func behind(ids, id string) string { return ids[strings.Index(" "+ids+" ", " "+id+" "):] }

// Google's emulator gives the same answers, but where it is said.
func TestWhatQueriesFind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q    *structured
		want string // ids in the collection c; whole paths if the query is not from c
	}{
		"all":                            {from("c", nil), byName},
		"ordered":                        {from("c", nil, orderBy("a")), byA},
		"ordered downwards":              {from("c", nil, orderBy("-a")), "m v a1 g r y s t i2 i1 d1 ninf nan bt bf n"},
		"ordered, names against":         {from("c", nil, orderBy("-a", "__name__")), "m v a1 g r y s t i2 d1 i1 ninf nan bt bf n"},
		"names downwards (not Google's)": {from("c", nil, orderBy("-__name__")), "y v t s r none ninf nan n m i2 i1 g d1 bt bf a1"},
		"== null":                        {from("c", where("a", "==", nil)), ""},
		"== NaN":                         {from("c", where("a", "==", nan)), ""},
		"== 1":                           {from("c", where("a", "==", 1)), "d1 i1"},
		"== 1.0":                         {from("c", where("a", "==", 1.0)), "d1 i1"},
		"== text":                        {from("c", where("a", "==", "x")), "s"},
		"== array":                       {from("c", where("a", "==", list{1, nil, nan, "x"})), "a1"},
		"== another array":               {from("c", where("a", "==", list{1})), ""},
		"== map":                         {from("c", where("a", "==", object{"x": 1.0})), "m"},
		"== within a map":                {from("c", where("a.x", "==", 1)), "m"},
		"== vector":                      {from("c", where("a", "==", vector{1})), "v"},
		"!= null":                        {from("c", where("a", "!=", nil)), ""},
		"!= NaN":                         {from("c", where("a", "!=", nan)), without(byA, "n")},
		"!= 1":                           {from("c", where("a", "!=", 1)), without(byA, "n", "d1", "i1")},
		"!= absent":                      {from("c", where("a", "!=", object{})), without(byA, "n")},
		"< 1":                            {from("c", where("a", "<", 1)), "ninf"},
		"<= 1":                           {from("c", where("a", "<=", 1)), "ninf d1 i1"},
		"> 1":                            {from("c", where("a", ">", 1)), "i2"},
		">= 1":                           {from("c", where("a", ">=", 1)), "d1 i1 i2"},
		">= NaN":                         {from("c", where("a", ">=", nan)), ""},
		"<= null":                        {from("c", where("a", "<=", nil)), ""},
		">= false":                       {from("c", where("a", ">=", false)), "bf bt"},
		"> array":                        {from("c", where("a", ">", list{1})), "a1"},
		"> map":                          {from("c", where("a", ">", object{})), "m"},
		"> vector":                       {from("c", where("a", ">", vector{0})), "v"},
		"between":                        {from("c", and(where("a", ">", math.Inf(-1)), where("a", "<", 2))), "d1 i1"},
		"between kinds":                  {from("c", and(where("a", ">", 1), where("a", "<", "z"))), ""},
		"downwards from":                 {from("c", where("a", ">=", 1), orderBy("-a")), "i2 i1 d1"},
		"is null":                        {from("c", unary("a", "is null")), "n"},
		"is nan":                         {from("c", unary("a", "is nan")), "nan"},
		"is not null":                    {from("c", unary("a", "is not null")), without(byA, "n")},
		"is not nan":                     {from("c", unary("a", "is not nan")), without(byA, "n", "nan")},
		"contains":                       {from("c", where("a", "contains", 1.0)), "a1"},
		"contains null":                  {from("c", where("a", "contains", nil)), ""},
		"contains NaN":                   {from("c", where("a", "contains", nan)), ""},
		"contains, of no array":          {from("c", where("b", "contains", 1)), ""},
		"contains any":                   {from("c", where("a", "contains any", list{nil, "x", 1})), "a1"},
		"in":                             {from("c", where("a", "in", list{1, nil, nan, "x"})), "d1 i1 s"},
		"in, downwards":                  {from("c", where("a", "in", list{1, 2}), orderBy("-a")), "i2 i1 d1"},
		"in an array of arrays":          {from("c", where("a", "in", list{list{1, nil, nan, "x"}})), "a1"},
		"not in":                         {from("c", where("a", "not in", list{1, "x"})), without(byA, "n", "d1", "i1", "s")},
		"not in null":                    {from("c", where("a", "not in", list{1, nil})), ""},
		"not in NaN":                     {from("c", where("a", "not in", list{nan})), without(byA, "n")},
		"two inequalities":               {from("c", and(where("b", ">", 0), where("a", ">", 0))), "i1 d1"},
		"two inequalities, ordered":      {from("c", and(where("b", ">", 0), where("a", ">", 0)), orderBy("-b")), "d1 i1"},
		"inequality, ordered otherwise":  {from("c", where("a", ">", 0), orderBy("-b")), "d1 i1"},
		"equality, ordered":              {from("c", where("a", "==", 1), orderBy("b")), "i1 d1"},
		"equality, ordered by it":        {from("c", where("a", "==", 1), orderBy("-a")), "i1 d1"},
		"equality and inequality of one": {from("c", and(where("a", "==", 1), where("a", ">", 0))), "d1 i1"},
		"two equalities of one":          {from("c", and(where("a", "==", 1), where("a", "==", 2))), ""},
		"or":                             {from("c", or(where("a", "==", 2), where("b", "==", 1))), "i1 i2 none"},
		"or, ordered":                    {from("c", or(where("a", "==", 2), where("b", "==", 1)), orderBy("a")), "i1 i2"},
		"or with an inequality":          {from("c", or(where("a", ">", 0), where("b", "==", 1))), "d1 i1 i2"},
		"or with what is never":          {from("c", or(where("a", ">", nil), where("b", "==", 1))), "i1 none"},
		"or with everything":             {from("c", or(and(), where("a", "==", 1))), byName},
		"in or in":                       {from("c", or(where("a", "in", list{1}), where("b", "in", list{2}))), "d1 i1"},
		"and of or":                      {from("c", and(or(where("a", "==", 1), where("a", "==", 2)), or(where("b", "==", 1), where("b", "==", 3)))), "i1"},
		"no filters at all":              {from("c", and()), byName},
		"the name":                       {from("c", where("__name__", "==", ref("c/i1"))), "i1"},
		"the name, ordered":              {from("c", where("__name__", "==", ref("c/i1")), orderBy("a")), "i1"},
		"the name, ordered by nothing":   {from("c", where("__name__", "==", ref("c/none")), orderBy("a")), ""},
		"names":                          {from("c", where("__name__", "in", list{ref("c/i2"), ref("c/i1"), ref("c/absent")})), "i1 i2"},
		"two names at once":              {from("c", and(where("__name__", "==", ref("c/i1")), where("__name__", "==", ref("c/i2")))), ""},
		"a name elsewhere":               {from("c", where("__name__", "==", ref("d/z"))), ""},
		"names from":                     {from("c", where("__name__", ">=", ref("c/i1"))), behind(byName, "i1")},
		"names behind":                   {from("c", where("__name__", ">", ref("c/i1"))), behind(byName, "i2")},
		"names behind what is below":     {from("c", where("__name__", ">", ref("c/i1/d/x"))), behind(byName, "i2")},
		"names before what is below":     {from("c", where("__name__", "<", ref("c/d1/d/x"))), "a1 bf bt d1"},
		"other names":                    {from("c", where("__name__", "!=", ref("c/i1"))), without(byName, "i1")},
		"no such names":                  {from("c", where("__name__", "not in", list{ref("c/i1"), ref("c/i2")})), without(byName, "i1", "i2")},
		"names and more":                 {from("c", and(where("__name__", ">", ref("c/d1")), where("a", ">", 0))), "i1 i2"},
		"the name or more":               {from("c", or(where("__name__", "==", ref("c/i1")), where("a", "==", 2))), "i1 i2"},
		"start at":                       {from("c", nil, orderBy("a"), startAt(1)), behind(byA, "d1")},
		"start after":                    {from("c", nil, orderBy("a"), startAfter(1)), behind(byA, "i2")},
		"end at":                         {from("c", nil, orderBy("a"), endAt(1)), "n bf bt nan ninf d1 i1"},
		"end before":                     {from("c", nil, orderBy("a"), endBefore(1)), "n bf bt nan ninf"},
		"downwards, start at":            {from("c", nil, orderBy("-a"), startAt(1)), "i1 d1 ninf nan bt bf n"},
		"downwards, start after":         {from("c", nil, orderBy("-a"), startAfter(1)), "ninf nan bt bf n"},
		"downwards, end at":              {from("c", nil, orderBy("-a"), endAt(1)), "m v a1 g r y s t i2 i1 d1"},
		"downwards, end before":          {from("c", nil, orderBy("-a"), endBefore(1)), "m v a1 g r y s t i2"},
		"a page":                         {from("c", nil, orderBy("a", "__name__"), startAfter(1, ref("c/d1")), limit(2)), "i1 i2"},
		"a page of names":                {from("c", nil, orderBy("__name__"), startAfter(ref("c/i1")), limit(2)), "i2 m"},
		"a cursor at what is below":      {from("c", nil, orderBy("a", "__name__"), startAt(1, ref("c/d1/d/x")), limit(2)), "i1 i2"},
		"cursor in equality":             {from("c", where("a", "==", 1), orderBy("a"), startAfter(2)), ""},
		"cursor and inequality":          {from("c", where("a", ">", math.Inf(-1)), orderBy("a"), startAt(2), endBefore("z")), "i2"},
		"start at no values":             {from("c", nil, orderBy("a"), startAt()), byA},
		"start after no values":          {from("c", nil, orderBy("a"), startAfter()), ""},
		"end at no values":               {from("c", nil, orderBy("a"), endAt()), byA},
		"end before no values":           {from("c", nil, orderBy("a"), endBefore()), ""},
		"downwards, after no values":     {from("c", nil, orderBy("-a"), startAfter()), ""},
		"limit 0":                        {from("c", nil, limit(0)), ""},
		"limit 3":                        {from("c", nil, orderBy("a"), limit(3)), "n bf bt"},
		"limit and offset":               {from("c", nil, orderBy("a"), limit(2), offset(3)), "nan ninf"},
		"offset too far":                 {from("c", nil, offset(100)), ""},
		"or with limit and offset":       {from("c", or(where("a", "==", 2), where("b", "==", 1)), limit(1), offset(1)), "i2"},
		"a group":                        {from("*/d", nil), "c/i1/d/x c/zz/d/y d/z"},
		"a group, ordered":               {from("*/d", nil, orderBy("-a")), "d/z c/zz/d/y c/i1/d/x"},
		"a group, names":                 {from("*/d", where("__name__", ">", ref("c/s"))), "c/zz/d/y d/z"},
		"everything behind":              {from("*/", where("__name__", ">", ref("c/t"))), "c/v c/y c/zz/d/y d/z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := c.want
			if c.q.From[0].CollectionId == "c" && want != "" {
				want = "c/" + strings.ReplaceAll(want, " ", " c/")
			}
			if diff := cmp.Diff(want, run(t, kinds(), "", c.q)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatIsBelowAParent(t *testing.T) {
	t.Parallel()
	root := "c/" + strings.ReplaceAll(byName, " ", " c/") + " d/z"
	for name, c := range map[string]struct {
		parent string
		q      *structured
		want   string
	}{
		"a collection":            {"c/i1", from("d", nil), "c/i1/d/x"},
		"a group":                 {"c/i1", from("*/d", nil), "c/i1/d/x"},
		"everything":              {"c/i1", from("*/", nil), "c/i1/d/x"},
		"every collection":        {"c/i1", from("", nil), "c/i1/d/x"},
		"of the database":         {"", from("", nil), root},
		"no selector":             {"", &structured{}, root},
		"everything, of all":      {"", from("*/", nil, limit(7)), "c/a1 c/bf c/bt c/d1 c/g c/i1 c/i1/d/x"},
		"of one that is not here": {"c/i", from("*/d", nil), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, run(t, kinds(), c.parent, c.q)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADocumentIsFoundOnce(t *testing.T) {
	t.Parallel()
	v := &view{}
	v.add("c/x", object{"a": list{1, 1.0, 2, 1}})
	v.add("c/y", object{"a": list{2}})
	for _, f := range []condition{
		where("a", "contains", 1), where("a", "contains any", list{1, 1.0}), or(where("a", "contains", 1), where("__name__", "==", ref("c/x"))),
	} {
		if got := run(t, v, "", from("c", f)); got != "c/x" {
			t.Errorf("%v: %q", f, got)
		}
	}
}

func TestSelectAnswersTheFieldsAskedFor(t *testing.T) {
	t.Parallel()
	d := document("c/x", object{"a": object{"x": 1, "y": 2}, "b": 3, "c": nil})
	for name, c := range map[string]struct {
		q    *structured
		want object
	}{
		"nothing said":    {from("c", nil), object{"a": object{"x": 1, "y": 2}, "b": 3, "c": nil}},
		"an empty list":   {from("c", nil, sel()), object{"a": object{"x": 1, "y": 2}, "b": 3, "c": nil}},
		"the name alone":  {from("c", nil, sel("__name__")), object{}},
		"the name and b":  {from("c", nil, sel("__name__", "b")), object{"b": 3}},
		"within a map":    {from("c", nil, sel("a.y")), object{"a": object{"y": 2}}},
		"a map and in it": {from("c", nil, sel("a.y", "a")), object{"a": object{"x": 1, "y": 2}}},
		"null and absent": {from("c", nil, sel("c", "d", "b.x")), object{"c": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := query.Parse(project, "", c.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fields(c.want), q.Project(d), protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

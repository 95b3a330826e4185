package database

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func nested(n int) any {
	var v any = 1
	for range n {
		v = fields{"m": v}
	}
	return v
}

func doubles(n int) []any {
	vs := make([]any, n)
	for i := range vs {
		vs[i] = 1.0
	}
	return vs
}

func vector(f fields) fields {
	f["__type__"] = "__vector__"
	return f
}

func point(latitude, longitude float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: latitude, Longitude: longitude}}}
}

func reference(name string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}}
}

func timestamp(seconds int64, nanos int32) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}}}
}

func TestFieldsThatFirestoreRefusesAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields fields
		ok     bool
	}{
		"no name":                    {fields{"": 1}, false},
		"no name below":              {fields{"m": fields{"": 1}}, false},
		"a reserved name":            {fields{"__x__": 1}, false},
		"a reserved name below":      {fields{"m": fields{"__x__": 1}}, false},
		"a reserved name in arrays":  {fields{"m": []any{fields{"__x__": 1}}}, false},
		"a name almost reserved":     {fields{"__x": 1, "x__": 1, "____": 1}, true},
		"odd names":                  {fields{"a.b": 1, "`": 1, "é": 1, "\x00": 1}, true},
		"the longest name":           {fields{strings.Repeat("f", 1500): 1}, true},
		"a longer name":              {fields{strings.Repeat("f", 1501): 1}, false},
		"20 maps":                    {fields{"r": nested(20)}, true},
		"21 maps":                    {fields{"r": nested(21)}, false},
		"19 maps in an array":        {fields{"r": []any{nested(19)}}, true},
		"20 maps in an array":        {fields{"r": []any{nested(20)}}, false},
		"an array in an array":       {fields{"r": []any{[]any{}}}, false},
		"an array in a map in one":   {fields{"r": []any{fields{"x": []any{1}}}}, true},
		"a value of no type":         {fields{"r": &pb.Value{}}, false},
		"no value":                   {fields{"r": (*pb.Value)(nil)}, false},
		"a field reference":          {fields{"r": &pb.Value{ValueType: &pb.Value_FieldReferenceValue{}}}, false},
		"a latitude":                 {fields{"r": point(90.1, 0)}, false},
		"a longitude":                {fields{"r": point(0, -180.1)}, false},
		"no latitude":                {fields{"r": point(math.NaN(), 0)}, false},
		"the pole":                   {fields{"r": point(-90, 180)}, true},
		"year 10000":                 {fields{"r": timestamp(253402300800, 0)}, false},
		"year 0":                     {fields{"r": timestamp(-62135596801, 0)}, false},
		"nanoseconds of more":        {fields{"r": timestamp(0, 1_000_000_000)}, false},
		"a reference":                {fields{"r": reference("projects/o/databases/d/documents/c/x")}, true},
		"a reference to nothing":     {fields{"r": reference("")}, false},
		"a relative reference":       {fields{"r": reference("c/x")}, false},
		"a collection's reference":   {fields{"r": reference(testDB + "/documents/c")}, false},
		"a database's reference":     {fields{"r": reference(testDB + "/documents")}, false},
		"a vector":                   {fields{"r": vector(fields{"value": []any{1.0, 2.0}})}, true},
		"a vector of integers":       {fields{"r": vector(fields{"value": []any{1}})}, false},
		"a vector of nothing":        {fields{"r": vector(fields{"value": []any{}})}, false},
		"a vector with more":         {fields{"r": vector(fields{"value": []any{1.0}, "x": 1})}, false},
		"the longest vector":         {fields{"r": vector(fields{"value": doubles(2048)})}, true},
		"a longer vector":            {fields{"r": vector(fields{"value": doubles(2049)})}, false},
		"a vector in an array":       {fields{"r": []any{vector(fields{"value": []any{1.0}})}}, false},
		"a map of another type":      {fields{"r": fields{"__type__": "foo"}}, false},
		"the longest string":         {fields{"r": strings.Repeat("x", 1<<20-89)}, true},
		"a longer string":            {fields{"r": strings.Repeat("x", 1<<20-88)}, false},
		"longer bytes":               {fields{"r": make([]byte, 1<<20-88)}, false},
		"a longer string in a map":   {fields{"m": []any{fields{"r": strings.Repeat("x", 1<<20-88)}}}, false},
		"a string that is not UTF-8": {fields{"r": "\xff"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := codes.InvalidArgument
			if c.ok {
				want = codes.OK
			}
			db := open(t, nil)
			_, err := db.Commit(background, nil, []*pb.Write{put("c/f", c.fields)})
			wantCode(t, "set", err, want)
			if stored := db.Latest().Get("c/f") != nil; stored != c.ok {
				t.Errorf("stored: %v", stored)
			}
		})
	}
}

// TestADocumentIsAsLargeAsFirestoreCountsIt has sizes that Google's emulator takes, each the largest.
func TestADocumentIsAsLargeAsFirestoreCountsIt(t *testing.T) {
	t.Parallel()
	const rest = 1<<20 - 22 - 32 // c/big's name, and what each document costs
	half := strings.Repeat("x", 1<<19-100)
	fill := func(used int) string { return strings.Repeat("y", rest-used-1) }
	n := len(half) + 1
	for name, c := range map[string]struct{ make func(used int) fields }{
		"strings":   {func(more int) fields { return fields{"s": half, "t": fill(2 + n + 2 + more)} }},
		"in a map":  {func(more int) fields { return fields{"m": fields{"s": half, "t": fill(2 + 2 + n + 2 + more)}} }},
		"an array":  {func(more int) fields { return fields{"a": []any{half, fill(2 + n + more)}} }},
		"integers":  {func(more int) fields { return fields{"a": []any{half, 1, 2, fill(2 + n + 16 + more)}} }},
		"a boolean": {func(more int) fields { return fields{"s": half, "b": true, "t": fill(2 + n + 3 + 2 + more)} }},
		"a null":    {func(more int) fields { return fields{"s": half, "b": nil, "t": fill(2 + n + 3 + 2 + more)} }},
		"a point":   {func(more int) fields { return fields{"s": half, "b": point(1, 1), "t": fill(2 + n + 18 + 2 + more)} }},
		"a time": {func(more int) fields {
			return fields{"s": half, "b": time.Unix(5, 0), "t": fill(2 + n + 10 + 2 + more)}
		}},
		"bytes": {func(more int) fields { return fields{"s": half, "b": []byte("abc"), "t": fill(2 + n + 5 + 2 + more)} }},
		"a reference": {func(more int) fields {
			return fields{"s": half, "b": reference(testDB + "/documents/c/x"), "t": fill(2 + n + 2 + 2 + 2 + 16 + 2 + more)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, nil)
			must(t, db, put("c/big", c.make(0)))
			_, err := db.Commit(background, nil, []*pb.Write{put("c/big", c.make(-1))})
			wantCode(t, "one byte more", err, codes.InvalidArgument)
		})
	}
	db := open(t, nil)
	must(t, db, put("c/big", fields{"s": half}))
	_, err := db.Commit(background, nil, []*pb.Write{merge("c/big", fields{"t": half + half[:200]}, "t")})
	wantCode(t, "a merge that makes it too large", err, codes.InvalidArgument)
}

func TestPathsThatFirestoreRefusesAreRefused(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]codes.Code{
		"": codes.InvalidArgument, "c": codes.InvalidArgument, "c/a/d": codes.InvalidArgument, "c//": codes.InvalidArgument,
		"c/a/": codes.InvalidArgument, "/c": codes.InvalidArgument, "c/.": codes.InvalidArgument, "c/..": codes.InvalidArgument,
		"./x": codes.InvalidArgument, "../x": codes.InvalidArgument, "c/__a__": codes.InvalidArgument,
		"__c__/a": codes.InvalidArgument, "__id7__/a": codes.InvalidArgument, "c/__id__": codes.InvalidArgument,
		"c/__id7__": codes.OK, "c/__a": codes.OK, "c/a b": codes.OK, "c/é": codes.OK, "c/\x00": codes.OK, "c/...": codes.OK,
		"c/____": codes.OK, "c/__": codes.OK, "c/`": codes.OK, "c/a\nb": codes.OK,
		"c/" + strings.Repeat("x", 1500):                          codes.OK,
		"c/" + strings.Repeat("x", 1501):                          codes.InvalidArgument,
		strings.Repeat("x", 1501) + "/c":                          codes.InvalidArgument,
		strings.Repeat("c/a/", 99) + "c/a":                        codes.OK,
		strings.Repeat("c/a/", 100) + "c/a":                       codes.InvalidArgument,
		strings.Repeat(strings.Repeat("y", 1400)+"/a/", 5)[:7011]: codes.InvalidArgument,
	} {
		db := open(t, nil)
		_, err := db.Commit(background, nil, []*pb.Write{put(path, nil)})
		wantCode(t, fmt.Sprintf("set %.40q", path), err, want)
		_, err = db.Commit(background, nil, []*pb.Write{del(path)})
		wantCode(t, fmt.Sprintf("delete %.40q", path), err, want)
	}
}

func TestWritesThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	transform := func(ts ...*ft) *pb.Write {
		return &pb.Write{Operation: &pb.Write_Transform{Transform: &pb.DocumentTransform{
			Document: testDB + "/documents/c/d", FieldTransforms: ts,
		}}}
	}
	masked := func(w *pb.Write) *pb.Write {
		w.UpdateMask = &pb.DocumentMask{FieldPaths: []string{"x"}}
		return w
	}
	var many []*ft
	for i := range mostTransforms + 1 {
		many = append(many, increment(fmt.Sprint("f", i), 1))
	}
	for name, c := range map[string]struct {
		writes []*pb.Write
		want   codes.Code
	}{
		"no operation":                 {[]*pb.Write{{}}, codes.InvalidArgument},
		"a masked delete":              {[]*pb.Write{masked(del("c/d"))}, codes.InvalidArgument},
		"a transforming delete":        {[]*pb.Write{with(del("c/d"), increment("x", 1))}, codes.InvalidArgument},
		"a masked transform":           {[]*pb.Write{masked(transform(increment("x", 1)))}, codes.InvalidArgument},
		"a transforming transform":     {[]*pb.Write{with(transform(increment("x", 1)), increment("y", 1))}, codes.InvalidArgument},
		"a transform of nothing":       {[]*pb.Write{transform()}, codes.InvalidArgument},
		"a transform":                  {[]*pb.Write{transform(increment("x", 1))}, codes.OK},
		"a malformed mask":             {[]*pb.Write{merge("c/d", nil, "a..b")}, codes.InvalidArgument},
		"a reserved mask":              {[]*pb.Write{merge("c/d", nil, "a.__b__")}, codes.InvalidArgument},
		"a reserved transform":         {[]*pb.Write{transform(increment("__x__", 1))}, codes.InvalidArgument},
		"a transform of the name":      {[]*pb.Write{transform(increment("__name__", 1))}, codes.InvalidArgument},
		"a malformed transform":        {[]*pb.Write{transform(increment("a..b", 1))}, codes.InvalidArgument},
		"a transform of no type":       {[]*pb.Write{transform(&ft{FieldPath: "x"})}, codes.InvalidArgument},
		"an increment by a string":     {[]*pb.Write{transform(increment("x", "1"))}, codes.InvalidArgument},
		"a maximum of null":            {[]*pb.Write{transform(maximum("x", nil))}, codes.InvalidArgument},
		"a minimum of no value":        {[]*pb.Write{transform(minimum("x", &pb.Value{}))}, codes.InvalidArgument},
		"a union with an array":        {[]*pb.Write{transform(arrayUnion("x", []any{1}))}, codes.InvalidArgument},
		"a union with a reserved name": {[]*pb.Write{transform(arrayUnion("x", fields{"__x__": 1}))}, codes.InvalidArgument},
		"a value in a mask":            {[]*pb.Write{merge("c/d", fields{"m": fields{"x": []any{[]any{}}}}, "m.x")}, codes.InvalidArgument},
		"20 maps in a mask":            {[]*pb.Write{merge("c/d", fields{"m": nested(19)}, "m.m.m")}, codes.OK},
		"21 maps in a mask":            {[]*pb.Write{merge("c/d", fields{"m": nested(21)}, "m.m.m")}, codes.InvalidArgument},
		"what is not in a mask":        {[]*pb.Write{merge("c/d", fields{"": 1, "m": nested(30), "x": 1}, "x")}, codes.InvalidArgument},
		"a transform in 20 maps":       {[]*pb.Write{transform(increment("a"+strings.Repeat(".a", 20), 1))}, codes.OK},
		"a transform in 21 maps":       {[]*pb.Write{transform(increment("a"+strings.Repeat(".a", 21), 1))}, codes.InvalidArgument},
		"a union in 20 maps":           {[]*pb.Write{transform(arrayUnion("a"+strings.Repeat(".a", 20), 1))}, codes.InvalidArgument},
		"a field and what is in it":    {[]*pb.Write{transform(increment("x", 1), increment("x.y", 1))}, codes.InvalidArgument},
		"a field twice":                {[]*pb.Write{transform(increment("x", 1), increment("x", 1))}, codes.OK},
		"an unknown server value": {[]*pb.Write{transform(&ft{
			FieldPath: "x", TransformType: &pb.DocumentTransform_FieldTransform_SetToServerValue{},
		})}, codes.InvalidArgument},
		"as many transforms as there may be": {[]*pb.Write{transform(many[1:]...)}, codes.OK},
		"one more":                           {[]*pb.Write{transform(many...)}, codes.InvalidArgument},
		"one more in another write":          {[]*pb.Write{transform(many[1:]...), transform(many[:1]...)}, codes.InvalidArgument},
		"one more of another document":       {[]*pb.Write{transform(many[1:]...), with(put("c/e", nil), many[0])}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := open(t, nil).Commit(background, nil, c.writes)
			wantCode(t, name, err, c.want)
		})
	}
}

func TestATransformDoesNotChangeTheRequest(t *testing.T) {
	t.Parallel()
	for _, w := range []*pb.Write{
		with(put("c/d", fields{"m": fields{"x": 1}}), increment("m.x", 1)),
		with(merge("c/d", fields{"m": fields{"x": 1}}, "m"), increment("m.x", 1)),
	} {
		db := open(t, nil)
		must(t, db, w)
		must(t, db, w)
		if got := show(db.Latest().Get("c/d")); got != "{m:{x:2}}" {
			t.Errorf("got %s", got)
		}
	}
}

func TestTimestampsAreCutToMicroseconds(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/d", fields{"a": timestamp(5, 1999), "b": []any{fields{"c": timestamp(-5, 1999)}}}))
	if got, want := show(db.Latest().Get("c/d")), `{a:1970-01-01T00:00:05.000001Z b:[{c:1969-12-31T23:59:55.000001Z}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNamesAreSplitOrRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]codes.Code{
		testDB:                             codes.OK,
		"projects/p/databases/orders-eu":   codes.OK,
		"projects/a.b:c-d/databases/x":     codes.OK,
		"":                                 codes.InvalidArgument,
		"projects/p":                       codes.InvalidArgument,
		"projects//databases/(default)":    codes.InvalidArgument,
		"projects/p/databases/":            codes.InvalidArgument,
		"projects/p/databases/Upper":       codes.InvalidArgument,
		"projects/p/databases/(other)":     codes.InvalidArgument,
		"projects/p/database/(default)":    codes.InvalidArgument,
		"projects/p/databases/d/documents": codes.InvalidArgument,
	} {
		_, err := NewStore(Options{}).Database(name)
		wantCode(t, name, err, want)
	}
	for name, want := range map[string]string{
		testDB + "/documents":         "",
		testDB + "/documents/c/d":     "c/d",
		testDB + "/documents/c/d/e/f": "c/d/e/f",
	} {
		db, path, err := SplitParent(name)
		if db != testDB || path != want || err != nil {
			t.Errorf("%s: %s, %s, %v", name, db, path, err)
		}
	}
	for _, name := range []string{testDB, testDB + "/document/c/d", testDB + "/documents/c", testDB + "/documents/", "c/d"} {
		_, _, err := SplitParent(name)
		wantCode(t, name, err, codes.InvalidArgument)
	}
	_, _, err := SplitName(testDB + "/documents")
	wantCode(t, "the root as a document", err, codes.InvalidArgument)
}

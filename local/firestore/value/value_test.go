package value_test

import (
	"bytes"
	"math"
	"math/big"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"orderflow.dev/local/firestore/value"
)

func null() *pb.Value            { return &pb.Value{ValueType: &pb.Value_NullValue{}} }
func boolean(b bool) *pb.Value   { return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: b}} }
func integer(i int64) *pb.Value  { return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: i}} }
func double(d float64) *pb.Value { return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: d}} }
func text(s string) *pb.Value    { return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}} }
func binary(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: []byte(s)}}
}
func reference(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: s}}
}

func moment(seconds int64, nanos int32) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}}}
}

func point(lat, lng float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: lat, Longitude: lng}}}
}

func array(values ...*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: values}}}
}

type fields = map[string]*pb.Value

func object(f fields) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: f}}}
}

func vector(values ...*pb.Value) *pb.Value {
	return object(fields{"__type__": text("__vector__"), "value": array(values...)})
}

// ordered are classes of equal values, in Firestore's order.
var ordered = [][]*pb.Value{
	{null(), {}, nil},
	{boolean(false)},
	{boolean(true)},
	{double(math.NaN()), double(math.Float64frombits(0xfff8000000000123)), double(math.Float64frombits(0x7ff0000000000001))},
	{double(math.Inf(-1))},
	{double(-math.MaxFloat64)},
	{double(math.Nextafter(-1<<63, math.Inf(-1)))},
	{integer(math.MinInt64), double(-1 << 63)},
	{integer(math.MinInt64 + 1)},
	{integer(math.MinInt64 + 1024), double(-1<<63 + 1024)},
	{integer(-1<<53 - 1)},
	{integer(-1 << 53), double(-1 << 53)},
	{integer(-2), double(-2)},
	{double(-1.5)},
	{integer(-1), double(-1)},
	{double(-math.SmallestNonzeroFloat64)},
	{integer(0), double(0), double(math.Copysign(0, -1))},
	{double(math.SmallestNonzeroFloat64)},
	{integer(1), double(1)},
	{double(1.5)},
	{integer(2)},
	{integer(1<<53 - 1), double(1<<53 - 1)},
	{integer(1 << 53), double(1 << 53)},
	{integer(1<<53 + 1)},
	{integer(1<<53 + 2), double(1<<53 + 2)},
	{integer(math.MaxInt64 - 1023), double(1<<63 - 1024)},
	{integer(math.MaxInt64 - 1)},
	{integer(math.MaxInt64)},
	{double(1 << 63)},
	{double(math.MaxFloat64)},
	{double(math.Inf(1))},
	{moment(-1, 999_999_999)},
	{moment(0, 0)},
	{moment(0, 1000)},
	{moment(1, 0)},
	{text("")},
	{text("\x00")},
	{text("\x00\x01")},
	{text("\x00\xff"[:1] + "a")},
	{text("A")},
	{text("a")},
	{text("a\x00")},
	{text("a\x01")},
	{text("aa")},
	{text("b")},
	{text("é")},
	{text("\uffff")},
	{text("\U0001f600")}, // before U+FFFF in UTF-16
	{binary("")},
	{binary("\x00")},
	{binary("\x00\xff")},
	{binary("\x01")},
	{binary("\xff")},
	{reference("projects/p/databases/d/documents/c/__id-5__")},
	{reference("projects/p/databases/d/documents/c/__id9__")},
	{reference("projects/p/databases/d/documents/c/__id10__")},
	{reference("projects/p/databases/d/documents/c/A")},
	{reference("projects/p/databases/d/documents/c/__id07__")},
	{reference("projects/p/databases/d/documents/c/__idx__")},
	{reference("projects/p/databases/d/documents/c/a")},
	{reference("projects/p/databases/d/documents/c/a/c/z")},
	{reference("projects/p/databases/d/documents/c/a-b")}, // '-' is less than '/'
	{reference("projects/p/databases/d/documents/c/b")},
	{reference("projects/p/databases/d/documents/ca/a")},
	{point(-90, 0)},
	{point(0, -180)},
	{point(0, 0), point(math.Copysign(0, -1), 0)},
	{point(0, 1)},
	{point(1, -1)},
	{array()},
	{array(null())},
	{array(integer(1)), array(double(1))},
	{array(integer(1), integer(2), integer(3))},
	{array(integer(1), integer(2), integer(3), integer(1))},
	{array(integer(2))},
	{array(text(""))},
	{vector()},
	{vector(double(1)), vector(integer(1))},
	{vector(double(2))},
	{vector(double(0), double(0))},
	{object(nil), object(fields{})},
	{object(fields{"__type__": text("__vector__")})},
	{object(fields{"a": integer(1), "b": integer(1)})},
	{object(fields{"a": text("aaa"), "b": text("baz")})},
	{object(fields{"a": text("foo"), "b": text("bar")})},
	{object(fields{"a": text("foo"), "b": text("bar"), "c": text("qux")})},
	{object(fields{"a": text("foo"), "b": text("baz")})},
	{object(fields{"b": text("aaa"), "c": text("baz")})},
	{object(fields{"c": text("aaa")})},
	{object(fields{"value": array(double(1))})},
}

func TestTheOrderIsFirestores(t *testing.T) {
	t.Parallel()
	for i, as := range ordered {
		for j, bs := range ordered {
			for _, a := range as {
				for _, b := range bs {
					checkOrder(t, a, b, sign(i-j))
				}
			}
		}
	}
}

type tester interface {
	Helper()
	Errorf(format string, args ...any)
}

// checkOrder checks Compare and keys, both ways, with whatever behind them.
func checkOrder(t tester, a, b *pb.Value, want int) {
	t.Helper()
	if got := value.Compare(a, b); got != want {
		t.Errorf("Compare(%v, %v) = %d, want %d", a, b, got, want)
	}
	if got := value.Equal(a, b); got != (want == 0) {
		t.Errorf("Equal(%v, %v) = %v", a, b, got)
	}
	for _, behind := range [][2]string{{"", ""}, {"\x00", "\xff"}, {"\xff", "\x00"}, {"\xff\xff\xff", ""}, {"", "\x00"}} {
		for descending, factor := range map[bool]int{false: 1, true: -1} {
			x := append(value.AppendKey([]byte("before"), a, descending), behind[0]...)
			y := append(value.AppendKey([]byte("before"), b, descending), behind[1]...)
			if got := bytes.Compare(x, y); want != 0 && got != want*factor {
				t.Errorf("keys of %v and %v, descending: %v, with %q and %q behind, compare as %d, want %d",
					a, b, descending, behind[0], behind[1], got, want*factor)
			} else if want == 0 && got != sign(bytes.Compare([]byte(behind[0]), []byte(behind[1]))) {
				t.Errorf("keys of %v and %v, descending: %v, differ", a, b, descending)
			}
		}
	}
}

func sign(i int) int { return max(-1, min(1, i)) }

func TestAKeyBeginsWithItsKindAndNoOther(t *testing.T) {
	t.Parallel()
	for _, vs := range ordered {
		for _, v := range vs {
			for _, descending := range []bool{false, true} {
				key := value.AppendKey([]byte("x"), v, descending)
				for k := value.Null; k <= value.Map; k++ {
					prefix := value.AppendKind([]byte("x"), k, descending)
					if got := bytes.HasPrefix(key, prefix); got != (k == value.KindOf(v)) {
						t.Errorf("%v, descending: %v: kind %d is its prefix: %v", v, descending, k, got)
					}
				}
			}
		}
	}
}

func TestNamesAreOrderedBySegments(t *testing.T) {
	t.Parallel()
	paths := []string{"", "c", "c/__id3__", "c/__id20__", "c/a", "c/a/b/c", "c/a/b/d", "c/a-", "c-/a", "d"}
	for i, a := range paths {
		for j, b := range paths {
			if got := value.CompareNames(a, b); got != sign(i-j) {
				t.Errorf("CompareNames(%q, %q) = %d", a, b, got)
			}
			for descending, factor := range map[bool]int{false: 1, true: -1} {
				x, y := value.AppendName(nil, a, descending), value.AppendName(nil, b, descending)
				if got := bytes.Compare(x, y); got != factor*sign(i-j) {
					t.Errorf("keys of %q and %q, descending: %v, compare as %d", a, b, descending, got)
				}
			}
		}
	}
}

func integers() *rapid.Generator[*pb.Value] {
	return rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 2), rapid.Int64Range(1<<53-3, 1<<53+3),
		rapid.Int64Range(math.MaxInt64-1030, math.MaxInt64)), integer)
}

func doubles() *rapid.Generator[*pb.Value] {
	edges := []float64{math.NaN(), 0, math.Copysign(0, -1), 1, 1 << 53, 1<<53 + 2, 1 << 63, -1 << 63, 1<<63 - 1024, math.Inf(1), math.Inf(-1)}
	whole := rapid.Map(rapid.Int64(), func(i int64) float64 { return float64(i) })
	return rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom(edges), whole), double)
}

// values are any values, with much in common: few letters, numbers near each other and near the edges.
func values() *rapid.Generator[*pb.Value] {
	short := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01ab/é\uffff")), 0, 4, -1)
	doubles := doubles()
	leaves := []*rapid.Generator[*pb.Value]{
		rapid.Just(null()), rapid.Map(rapid.Bool(), boolean), integers(), doubles, rapid.Map(short, text), rapid.Map(short, binary),
		rapid.Map(short, reference),
		rapid.Custom(func(t *rapid.T) *pb.Value {
			return moment(rapid.Int64Range(-2, 2).Draw(t, "seconds"), rapid.Int32Range(0, 999_999_999).Draw(t, "nanos"))
		}),
		rapid.Custom(func(t *rapid.T) *pb.Value {
			return point(rapid.Float64Range(-90, 90).Draw(t, "lat"), rapid.Float64Range(-180, 180).Draw(t, "lng"))
		}),
	}
	leaf := rapid.OneOf(leaves...)
	nested := leaf
	for range 2 {
		within := nested
		nested = rapid.OneOf(leaf, rapid.Map(rapid.SliceOfN(within, 0, 3), func(vs []*pb.Value) *pb.Value { return array(vs...) }),
			rapid.Map(rapid.SliceOfN(doubles, 0, 3), func(vs []*pb.Value) *pb.Value { return vector(vs...) }),
			rapid.Map(rapid.MapOfN(short, within, 0, 3), object))
	}
	return nested
}

func TestKeysSortAsValuesDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := values().Draw(t, "a"), values().Draw(t, "b")
		checkOrder(t, a, b, value.Compare(a, b))
		checkOrder(t, a, proto.CloneOf(a), 0)
	})
}

func TestCompareIsATotalOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := values().Draw(t, "a"), values().Draw(t, "b"), values().Draw(t, "c")
		if value.Compare(a, b) != -value.Compare(b, a) {
			t.Errorf("%v and %v: not antisymmetric", a, b)
		}
		if value.Compare(a, b) <= 0 && value.Compare(b, c) <= 0 && value.Compare(a, c) > 0 {
			t.Errorf("%v <= %v <= %v: not transitive", a, b, c)
		}
	})
}

// exact is a number as mathematics knows it.
func exact(v *pb.Value) *big.Float {
	if d, ok := v.GetValueType().(*pb.Value_DoubleValue); ok {
		return new(big.Float).SetFloat64(d.DoubleValue)
	}
	return new(big.Float).SetInt64(v.GetIntegerValue())
}

func TestNumbersAreComparedExactly(t *testing.T) {
	t.Parallel()
	number := func(v *pb.Value) bool { return value.KindOf(v) == value.Number }
	numbers := rapid.OneOf(integers(), doubles().Filter(number))
	near := rapid.Custom(func(t *rapid.T) [2]*pb.Value {
		i := rapid.Int64().Draw(t, "integer")
		to := rapid.SampledFrom([]float64{float64(i), math.Inf(1), math.Inf(-1)}).Draw(t, "to")
		return [2]*pb.Value{integer(i), double(math.Nextafter(float64(i), to))}
	})
	rapid.Check(t, func(t *rapid.T) {
		for _, pair := range [][2]*pb.Value{near.Draw(t, "near"), {numbers.Draw(t, "a"), numbers.Draw(t, "b")}} {
			checkOrder(t, pair[0], pair[1], exact(pair[0]).Cmp(exact(pair[1])))
		}
	})
}

func FuzzKeysSortAsValuesDo(f *testing.F) {
	for i, vs := range ordered[:len(ordered)-1] {
		a, _ := proto.Marshal(vs[0])
		b, _ := proto.Marshal(ordered[i+1][0])
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var a, b pb.Value
		if proto.Unmarshal(first, &a) != nil || proto.Unmarshal(second, &b) != nil {
			t.Skip("not two values")
		}
		checkOrder(t, &a, &b, value.Compare(&a, &b))
	})
}

func FuzzNamesSortAsTheirKeysDo(f *testing.F) {
	f.Add("c/a", "c/__id7__")
	f.Add("c/a\x00", "c/a/b/c")
	f.Fuzz(func(t *testing.T, a, b string) {
		want := value.CompareNames(a, b)
		if (want == 0) != (a == b) {
			t.Errorf("CompareNames(%q, %q) = %d", a, b, want)
		}
		if got := bytes.Compare(value.AppendName(nil, a, false), value.AppendName(nil, b, false)); got != want {
			t.Errorf("keys of %q and %q compare as %d, want %d", a, b, got, want)
		}
	})
}

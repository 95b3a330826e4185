package likeness

import (
	"math"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// The vocabulary is small, so that requests are about the same documents, and has what is easily got wrong.

func integer(i int64) *pb.Value { return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: i}} }

func double(f float64) *pb.Value { return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: f}} }

func str(s string) *pb.Value { return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}} }

func null() *pb.Value { return &pb.Value{ValueType: &pb.Value_NullValue{}} }

func boolean(b bool) *pb.Value { return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: b}} }

func data(s string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: []byte(s)}}
}

func reference(name string) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}}
}

func point(latitude, longitude float64) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: latitude, Longitude: longitude}}}
}

func moment(seconds int64, nanos int32) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}}}
}

func array(values ...*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: values}}}
}

func mapOf(fields map[string]*pb.Value) *pb.Value {
	return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields}}}
}

func vector(values ...*pb.Value) *pb.Value {
	return mapOf(map[string]*pb.Value{"__type__": str("__vector__"), "value": array(values...)})
}

var numbers = []*pb.Value{
	integer(1), integer(2), integer(0), integer(-1), double(1), double(1.5), double(0), double(math.Copysign(0, -1)),
	integer(math.MaxInt64), integer(math.MinInt64), integer(1<<53 + 1), double(1 << 53), double(1 << 63),
	double(math.Inf(1)), double(math.Inf(-1)), double(math.NaN()), double(math.MaxFloat64), double(math.SmallestNonzeroFloat64),
}

var scalars = append([]*pb.Value{
	str("a"), str("b"), str(""), str("ab"), str("é"), str("\uffff"), str("😀"), str("\x00"), null(), boolean(true), boolean(false),
	data(""), data("a"), data("\xff\x00"), moment(0, 0), moment(1_600_000_000, 123_456_000), moment(-1, 0),
	moment(1_600_000_000, 123_456_789), point(0, 0), point(1, -2), point(math.Copysign(0, -1), 0),
	reference(documents + "/a/x"), reference(documents + "/a/x/a/x"), reference(documents + "/b/y"),
}, numbers...)

// common are the values of most fields and most filters, so that queries find something.
var common = []*pb.Value{integer(1), integer(2), double(1.5), str("a"), null(), array(integer(1), str("a"))}

// value is any that a document may have.
func value(t *rapid.T, depth int) *pb.Value {
	kind := rapid.IntRange(0, 19).Draw(t, "kind of value")
	switch {
	case kind < 3:
		return rapid.SampledFrom(common).Draw(t, "common value")
	case kind < 8:
		return rapid.SampledFrom(numbers).Draw(t, "number")
	case kind < 14 || depth == 0:
		return rapid.SampledFrom(scalars).Draw(t, "scalar")
	case kind < 16:
		return mapOf(fields(t, depth-1))
	case kind < 17:
		return vector(rapid.SliceOfN(rapid.SampledFrom([]*pb.Value{double(1), double(2)}), 1, 2).Draw(t, "vector")...)
	}
	return array(elements(t, depth-1)...)
}

func elements(t *rapid.T, depth int) []*pb.Value {
	all := make([]*pb.Value, rapid.IntRange(0, 3).Draw(t, "elements"))
	for i := range all {
		all[i] = value(t, depth)
		if all[i].GetArrayValue() != nil { // an array must not be in an array
			all[i] = integer(int64(i))
		}
	}
	return all
}

var fieldNames = []string{"f", "g", "m", "f", "k-1", "é"}

// fields are some that a document, or a map in it, may have.
func fields(t *rapid.T, depth int) map[string]*pb.Value {
	all := map[string]*pb.Value{}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		all[rapid.SampledFrom(fieldNames).Draw(t, "field")] = value(t, depth)
	}
	return all
}

func nested(depth int, v *pb.Value) *pb.Value {
	for range depth {
		v = mapOf(map[string]*pb.Value{"m": v})
	}
	return v
}

// badFields are refused, or nearly.
var badFields = []map[string]*pb.Value{
	{"": integer(1)},
	{"__f__": integer(1)},
	{"__f": integer(1)},
	{"f__": integer(1)},
	{"m": mapOf(map[string]*pb.Value{"": integer(1)})},
	{"m": mapOf(map[string]*pb.Value{"__x__": integer(1)})},
	{"f": array(array(integer(1)))},
	{"f": array(mapOf(map[string]*pb.Value{"m": array(integer(1))}))},
	{"f": nested(19, integer(1))},
	{"f": nested(20, integer(1))},
	{"f": nested(21, integer(1))},
	{"f": moment(-62_135_596_801, 0)},
	{"f": moment(253_402_300_800, 0)},
	{"f": moment(0, -1)},
	{"f": moment(0, 1_000_000_000)},
	{"f": point(91, 0)},
	{"f": point(0, 181)},
	{"f": point(-90, -180)},
	{"f": point(math.NaN(), 0)},
	{"f": reference("a/x")},
	{"f": reference("")},
	{"f": reference(documents)},
	{"f": reference(documents + "/a")},
	{"f": reference(documents + "/a/x/")},
	{"f": reference("projects/likeness-000000/databases/other/documents/a/x")},
	{"f": reference("projects/" + project + "x/databases/(default)/documents/a/x")},
	{"f": {}},
	{"f": array(&pb.Value{})},
	{"f": vector()},
	{"f": vector(integer(1))},
	{"f": vector(str("a"))},
	{"f": mapOf(map[string]*pb.Value{"__type__": str("__vector__")})},
	{"f": mapOf(map[string]*pb.Value{"__type__": str("other")})},
	{"f": mapOf(map[string]*pb.Value{"__type__": str("__vector__"), "value": array(double(1)), "more": integer(1)})},
	{"f": array(vector(double(1)))},
	{"f": str(strings.Repeat("x", 1500))},
	{"f": str(strings.Repeat("x", 1501))},
	{"f": str(strings.Repeat("x", 1<<20-90))},
	{"f": str(strings.Repeat("x", 1<<20-89))},
	{"f": str(strings.Repeat("x", 1<<20+1))},
	{"f": data(strings.Repeat("x", 1<<20))},
	{strings.Repeat("n", 1500): integer(1)},
	{strings.Repeat("n", 1501): integer(1)},
	{"m": mapOf(map[string]*pb.Value{strings.Repeat("n", 1501): integer(1)})},
}

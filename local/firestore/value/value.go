// Package value knows Firestore's values: their order across types, their equality, their place in an index, their
// sizes (https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering).
package value

import (
	"bytes"
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Kind is a type of values as the order knows it: any value of a lesser kind comes before any of a greater one. An
// inequality filter finds values of its operand's kind only.
type Kind byte

// The kinds, in their order. NaN is a kind of its own: it comes before all numbers, and no inequality finds it.
const (
	Null Kind = iota + 1
	Boolean
	NaN
	Number
	Timestamp
	String
	Bytes
	Reference
	GeoPoint
	Array
	Vector
	Map
)

// KindOf is a value's kind. What is no value of a document (one that is not set, an expression of a pipeline) counts as
// Null.
func KindOf(v *pb.Value) Kind {
	switch t := v.GetValueType().(type) {
	case *pb.Value_BooleanValue:
		return Boolean
	case *pb.Value_IntegerValue:
		return Number
	case *pb.Value_DoubleValue:
		if math.IsNaN(t.DoubleValue) {
			return NaN
		}
		return Number
	case *pb.Value_TimestampValue:
		return Timestamp
	case *pb.Value_StringValue:
		return String
	case *pb.Value_BytesValue:
		return Bytes
	case *pb.Value_ReferenceValue:
		return Reference
	case *pb.Value_GeoPointValue:
		return GeoPoint
	case *pb.Value_ArrayValue:
		return Array
	case *pb.Value_MapValue:
		if isVector(t.MapValue.GetFields()) {
			return Vector
		}
		return Map
	}
	return Null
}

// isVector says whether a map is what clients write for a vector embedding.
func isVector(fields map[string]*pb.Value) bool {
	_, ok := fields["value"].GetValueType().(*pb.Value_ArrayValue)
	return ok && fields["__type__"].GetStringValue() == "__vector__"
}

// elements are what an array or a vector consists of.
func elements(v *pb.Value) []*pb.Value {
	if fields := v.GetMapValue().GetFields(); fields != nil {
		v = fields["value"]
	}
	return v.GetArrayValue().GetValues()
}

// Compare orders two values of any types as Firestore does: -1, 0 or 1.
func Compare(a, b *pb.Value) int {
	kind := KindOf(a)
	if c := cmp.Compare(kind, KindOf(b)); c != 0 {
		return c
	}
	switch kind {
	case Boolean:
		return compareBooleans(a.GetBooleanValue(), b.GetBooleanValue())
	case Number:
		return compareNumbers(a, b)
	case Timestamp:
		return compareTimestamps(a.GetTimestampValue(), b.GetTimestampValue())
	case String:
		return strings.Compare(a.GetStringValue(), b.GetStringValue())
	case Bytes:
		return bytes.Compare(a.GetBytesValue(), b.GetBytesValue())
	case Reference:
		return CompareNames(a.GetReferenceValue(), b.GetReferenceValue())
	case GeoPoint:
		return comparePoints(a.GetGeoPointValue(), b.GetGeoPointValue())
	case Array:
		return slices.CompareFunc(elements(a), elements(b), Compare)
	case Vector:
		x, y := elements(a), elements(b)
		return cmp.Or(cmp.Compare(len(x), len(y)), slices.CompareFunc(x, y, Compare))
	case Map:
		return compareMaps(a.GetMapValue().GetFields(), b.GetMapValue().GetFields())
	}
	return 0 // null, NaN
}

// Equal is Compare == 0: 1 is 1.0, NaN is NaN.
func Equal(a, b *pb.Value) bool { return Compare(a, b) == 0 }

func compareBooleans(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareNumbers(a, b *pb.Value) int {
	x, restX := split(a)
	y, restY := split(b)
	return cmp.Or(cmp.Compare(x, y), cmp.Compare(restX, restY))
}

// split writes a number as the greatest double that is not above it, and the rest. So integers that no double can hold
// find their exact place between doubles; both together order as the numbers do.
func split(v *pb.Value) (floor float64, rest int64) {
	if d, ok := v.GetValueType().(*pb.Value_DoubleValue); ok {
		return d.DoubleValue, 0
	}
	i := v.GetIntegerValue()
	floor = float64(i)
	if floor >= 1<<63 || int64(floor) > i {
		floor = math.Nextafter(floor, math.Inf(-1))
	}
	return floor, i - int64(floor)
}

func compareTimestamps(a, b *timestamppb.Timestamp) int {
	return cmp.Or(cmp.Compare(a.GetSeconds(), b.GetSeconds()), cmp.Compare(a.GetNanos(), b.GetNanos()))
}

func comparePoints(a, b *latlng.LatLng) int {
	return cmp.Or(cmp.Compare(a.GetLatitude(), b.GetLatitude()), cmp.Compare(a.GetLongitude(), b.GetLongitude()))
}

// compareMaps compares entry by entry in the order of keys: key first, then value.
func compareMaps(a, b map[string]*pb.Value) int {
	inA, inB := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(inA), len(inB)) {
		if c := cmp.Or(strings.Compare(inA[i], inB[i]), Compare(a[inA[i]], b[inB[i]])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(inA), len(inB))
}

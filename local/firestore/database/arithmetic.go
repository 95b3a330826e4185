package database

import (
	"math"
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/value"
)

// numeric makes a transform of a number and an operand. What is no number becomes the operand.
func numeric(field string, operand *pb.Value, of func(old, operand *pb.Value) *pb.Value) (
	func(*pb.Value, time.Time) *pb.Value, error,
) {
	if !isNumber(operand) {
		return nil, malformed("the transform of field %q needs an integer or a double", field)
	}
	return func(old *pb.Value, _ time.Time) *pb.Value {
		if !isNumber(old) {
			return operand
		}
		return of(old, operand)
	}, nil
}

func isNumber(v *pb.Value) bool {
	switch v.GetValueType().(type) {
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return true
	}
	return false
}

// float is a number as a double.
func float(v *pb.Value) float64 {
	if i, ok := v.GetValueType().(*pb.Value_IntegerValue); ok {
		return float64(i.IntegerValue)
	}
	return v.GetDoubleValue()
}

// add adds integers within their bounds; with a double, it is a double's addition.
func add(a, b *pb.Value) *pb.Value {
	x, integerA := a.GetValueType().(*pb.Value_IntegerValue)
	y, integerB := b.GetValueType().(*pb.Value_IntegerValue)
	if !integerA || !integerB {
		return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: float(a) + float(b)}}
	}
	return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: saturated(x.IntegerValue, y.IntegerValue)}}
}

func saturated(a, b int64) int64 {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64
	}
	return a + b
}

// further is the greater (direction 1) or the smaller (-1) of two numbers; the old one if they are equal; NaN if
// one is.
func further(old, operand *pb.Value, direction int) *pb.Value {
	switch {
	case math.IsNaN(float(old)):
		return old
	case math.IsNaN(float(operand)), value.Compare(operand, old) == direction:
		return operand
	}
	return old
}

// ofArray makes a transform of an array and some elements. What is no array counts as an empty one.
func ofArray(path value.Path, elements *pb.ArrayValue, of func(old, elements []*pb.Value) []*pb.Value) (
	func(*pb.Value, time.Time) *pb.Value, error,
) {
	if err := checkArray(path.String(), elements.GetValues(), len(path)); err != nil {
		return nil, err
	}
	return func(old *pb.Value, _ time.Time) *pb.Value {
		vs := of(old.GetArrayValue().GetValues(), elements.GetValues())
		return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: vs}}}
	}, nil
}

// union adds what is missing, once.
func union(old, elements []*pb.Value) []*pb.Value {
	vs := slices.Clip(old)
	for _, e := range elements {
		if !has(vs, e) {
			vs = append(vs, e)
		}
	}
	return vs
}

func without(old, elements []*pb.Value) []*pb.Value {
	var vs []*pb.Value
	for _, v := range old {
		if !has(elements, v) {
			vs = append(vs, v)
		}
	}
	return vs
}

func has(vs []*pb.Value, v *pb.Value) bool {
	return slices.ContainsFunc(vs, func(other *pb.Value) bool { return value.Equal(other, v) })
}

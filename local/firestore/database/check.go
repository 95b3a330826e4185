package database

import (
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const (
	largestValue    = 1<<20 - 89 // bytes
	deepestValue    = 20         // maps and arrays within each other
	largestVector   = 2048       // dimensions
	vectorType      = "__vector__"
	vectorTypeField = "__type__"
)

// checkFields checks what a request wants to store, and cuts its timestamps to whole microseconds as Firestore does.
func checkFields(fields map[string]*pb.Value, depth int) error {
	for name, v := range fields {
		if err := checkFieldName(name); err != nil {
			return err
		}
		if err := checkValue(name, v, depth, false); err != nil {
			return err
		}
	}
	return nil
}

func checkFieldName(name string) error {
	switch {
	case name == "":
		return malformed("a field's name is empty")
	case reserved(name):
		return malformed("field name %q is reserved", name)
	case len(name) > longestID:
		return malformed("field name %.32q... is longer than %d bytes", name, longestID)
	}
	return nil
}

// checkValue checks the value of a field, or an element of its array. depth is how many maps and arrays it is in.
func checkValue(field string, v *pb.Value, depth int, element bool) error {
	switch v := v.GetValueType().(type) {
	case *pb.Value_NullValue, *pb.Value_BooleanValue, *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return nil
	case *pb.Value_StringValue:
		return checkLength(field, len(v.StringValue))
	case *pb.Value_BytesValue:
		return checkLength(field, len(v.BytesValue))
	case *pb.Value_TimestampValue:
		return checkTimestamp(field, v.TimestampValue)
	case *pb.Value_GeoPointValue:
		return checkPoint(field, v.GeoPointValue)
	case *pb.Value_ReferenceValue:
		_, _, err := SplitName(v.ReferenceValue)
		return err
	case *pb.Value_ArrayValue:
		if element {
			return malformed("field %q: an array is directly within an array", field)
		}
		return checkArray(field, v.ArrayValue.GetValues(), depth+1)
	case *pb.Value_MapValue:
		return checkMap(field, v.MapValue.GetFields(), depth+1, element)
	case nil:
		return malformed("field %q: its value is of no type", field)
	default:
		return malformed("field %q: values of type %T are not for documents", field, v)
	}
}

func checkLength(field string, n int) error {
	if n > largestValue {
		return malformed("The value of property %q is longer than %d bytes.", field, largestValue)
	}
	return nil
}

func checkTimestamp(field string, t *timestamppb.Timestamp) error {
	if err := t.CheckValid(); err != nil {
		return malformed("field %q: %v", field, err)
	}
	t.Nanos -= t.Nanos % int32(time.Microsecond)
	return nil
}

func checkPoint(field string, p *latlng.LatLng) error {
	if !(-90 <= p.GetLatitude() && p.GetLatitude() <= 90 && -180 <= p.GetLongitude() && p.GetLongitude() <= 180) {
		return malformed("field %q: the geographical point's latitude %v is outside of -90 to 90, "+
			"or its longitude %v outside of -180 to 180", field, p.GetLatitude(), p.GetLongitude())
	}
	return nil
}

func checkDepth(field string, depth int) error {
	if depth > deepestValue {
		return malformed("field %q: more than %d maps and arrays within each other", field, deepestValue)
	}
	return nil
}

func checkArray(field string, elements []*pb.Value, depth int) error {
	if err := checkDepth(field, depth); err != nil {
		return err
	}
	for _, v := range elements {
		if err := checkValue(field, v, depth, true); err != nil {
			return err
		}
	}
	return nil
}

func checkMap(field string, fields map[string]*pb.Value, depth int, element bool) error {
	if err := checkDepth(field, depth); err != nil {
		return err
	}
	switch isVector := fields[vectorTypeField].GetStringValue() == vectorType; {
	case isVector && element:
		return malformed("field %q: a vector is directly within an array", field)
	case isVector:
		return checkVector(field, fields)
	}
	return checkFields(fields, depth)
}

// checkVector checks a map that is a vector
// (https://firebase.google.com/docs/firestore/vector-search).
func checkVector(field string, fields map[string]*pb.Value) error {
	dimensions := fields["value"].GetArrayValue().GetValues()
	if len(fields) != 2 || len(dimensions) == 0 || len(dimensions) > largestVector {
		return malformed("field %q: a vector has 1 to %d dimensions, and nothing else", field, largestVector)
	}
	for _, v := range dimensions {
		if _, ok := v.GetValueType().(*pb.Value_DoubleValue); !ok {
			return malformed("field %q: a vector has only doubles", field)
		}
	}
	return nil
}

package query

import (
	"fmt"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// Limits of a path. Google's emulator counts a byte more than there are.
const (
	deepestPath = 20
	longestPath = 1500
)

// parsePath reads the path of a field that a query names.
func parsePath(f *pb.StructuredQuery_FieldReference) (value.Path, error) {
	path, err := value.ParsePath(f.GetFieldPath())
	switch {
	case err != nil:
		return nil, invalid("the query names a field: %v", err)
	case len(path) > deepestPath:
		return nil, invalid("the query names a field by a path of %d names: it must have at most %d", len(path), deepestPath)
	case len(f.GetFieldPath()) >= longestPath:
		return nil, invalid("the query names a field by a path of %d bytes: it must have less than %d",
			len(f.GetFieldPath()), longestPath)
	}
	for _, segment := range path {
		if reserved(segment) && !isName(path) {
			return nil, invalid("the query names the field %s: names like __x__ are reserved", path)
		}
	}
	return path, nil
}

// reserved says whether names and ids like this are not for users.
func reserved(s string) bool {
	return len(s) >= 4 && strings.HasPrefix(s, "__") && strings.HasSuffix(s, "__")
}

// operands checks the values in filters and cursors of a database's query.
type operands struct{ documents string }

func (o operands) check(path value.Path, op operator, v *pb.Value) error {
	if isName(path) {
		if op == contains {
			return invalid("%s is no array: ARRAY_CONTAINS cannot be used with it", name)
		}
		return o.checkName(v)
	}
	if err := checkValue(v); err != nil {
		return invalid("the query compares %s: %s", path, status.Convert(err).Message())
	}
	if value.Size(v) > maxOperand {
		return invalid("the value for %s is too large to be used in a query: at most %d bytes are compared",
			path, maxOperand)
	}
	return nil
}

// checkName refuses what is no document's name of the database.
func (o operands) checkName(v *pb.Value) error {
	reference, ok := v.GetValueType().(*pb.Value_ReferenceValue)
	if !ok {
		return invalid("%s is compared with a value that is not a reference to a document: use a reference_value", name)
	}
	if _, _, err := database.SplitName(reference.ReferenceValue); err != nil {
		return err
	}
	if !strings.HasPrefix(reference.ReferenceValue, o.documents) {
		return invalid("%s is compared with %s, which is in a database other than %s",
			name, reference.ReferenceValue, o.documents)
	}
	return nil
}

// checkValue refuses what no document can have.
func checkValue(v *pb.Value) error {
	switch t := v.GetValueType().(type) {
	case nil:
		return fmt.Errorf("a value has no type: set one")
	case *pb.Value_ReferenceValue:
		_, _, err := database.SplitName(t.ReferenceValue)
		return err
	case *pb.Value_TimestampValue:
		return t.TimestampValue.CheckValid()
	case *pb.Value_GeoPointValue:
		lat, lng := t.GeoPointValue.GetLatitude(), t.GeoPointValue.GetLongitude()
		if onEarth := lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180; !onEarth { // NaN is not
			return fmt.Errorf("the geo point (%v, %v) is not on earth: latitudes are from -90 to 90, longitudes "+
				"from -180 to 180", lat, lng)
		}
	case *pb.Value_ArrayValue:
		for _, e := range t.ArrayValue.GetValues() {
			if err := checkValue(e); err != nil {
				return err
			}
		}
	case *pb.Value_MapValue:
		return checkFields(v)
	case *pb.Value_FieldReferenceValue, *pb.Value_VariableReferenceValue, *pb.Value_FunctionValue,
		*pb.Value_PipelineValue:
		return fmt.Errorf("%T is for pipelines, not for queries", t)
	}
	return nil
}

func checkFields(v *pb.Value) error {
	for field, inner := range v.GetMapValue().GetFields() {
		if reserved(field) && value.KindOf(v) != value.Vector {
			return fmt.Errorf("a map has the field %s: names like __x__ are reserved", field)
		}
		if err := checkValue(inner); err != nil {
			return err
		}
	}
	return nil
}

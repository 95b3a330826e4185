package value

import (
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// Size is how many bytes a value counts (https://firebase.google.com/docs/firestore/storage-size).
func Size(v *pb.Value) int {
	size := 0
	switch t := v.GetValueType().(type) {
	case *pb.Value_BytesValue:
		return len(t.BytesValue)
	case *pb.Value_StringValue:
		return len(t.StringValue) + 1
	case *pb.Value_ReferenceValue:
		return NameSize(t.ReferenceValue)
	case *pb.Value_GeoPointValue:
		return 16
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue, *pb.Value_TimestampValue:
		return 8
	case *pb.Value_ArrayValue:
		for _, e := range t.ArrayValue.GetValues() {
			size += Size(e)
		}
		return size
	case *pb.Value_MapValue:
		for name, field := range t.MapValue.GetFields() {
			size += len(name) + 1 + Size(field)
		}
		return size
	}
	return 1 // a boolean, null
}

// NameSize is how many bytes a document's name counts: its ids, with one more each, and 16. Of a whole name,
// projects/..., only what is below .../documents/ counts.
func NameSize(name string) int {
	if parts := strings.SplitN(name, "/", 6); len(parts) == 6 && parts[4] == "documents" {
		name = parts[5]
	}
	return len(name) + 1 + 16
}

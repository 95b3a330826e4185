package database

import (
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const largestDocument = 1 << 20 // bytes

// checkSize checks a document's size as Firestore counts it
// (https://firebase.google.com/docs/firestore/storage-size#document-size). encoded is how many bytes its fields are as a
// pb.MapValue.
// No value counts more than four times its encoding, so most documents need not be counted.
func checkSize(path string, fields map[string]*pb.Value, encoded int) error {
	if 4*encoded < largestDocument-2*longestName {
		return nil
	}
	if n := nameSize(path) + mapSize(fields) + 32; n > largestDocument {
		return malformed("document %s is of %d bytes: the maximum is %d", path, n, largestDocument)
	}
	return nil
}

// https://firebase.google.com/docs/firestore/storage-size#document-name-size
func nameSize(path string) int { return len(path) + 1 + 16 }

// mapSize is also that of a map within a document: contrary to the documentation, the 32 bytes are counted once a document.
func mapSize(fields map[string]*pb.Value) int {
	n := 0
	for name, v := range fields {
		n += len(name) + 1 + valueSize(v)
	}
	return n
}

// https://firebase.google.com/docs/firestore/storage-size#field-value-size
func valueSize(v *pb.Value) int {
	switch v := v.GetValueType().(type) {
	case *pb.Value_NullValue, *pb.Value_BooleanValue:
		return 1
	case *pb.Value_GeoPointValue:
		return 16
	case *pb.Value_StringValue:
		return len(v.StringValue) + 1
	case *pb.Value_BytesValue:
		return len(v.BytesValue)
	case *pb.Value_ReferenceValue:
		_, path, _ := strings.Cut(v.ReferenceValue, "/documents/")
		return nameSize(path)
	case *pb.Value_ArrayValue:
		n := 0
		for _, e := range v.ArrayValue.GetValues() {
			n += valueSize(e)
		}
		return n
	case *pb.Value_MapValue:
		return mapSize(v.MapValue.GetFields())
	default: // a number or a timestamp
		return 8
	}
}

package database

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"orderflow.dev/local/firestore/value"
)

// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const largestDocument = 1 << 20 // bytes

// checkSize checks a document's size as Firestore counts it
// (https://firebase.google.com/docs/firestore/storage-size#document-size). encoded is how many bytes its fields are
// as a pb.MapValue: no value counts more than four times that, so most documents need not be counted.
func checkSize(path string, fields map[string]*pb.Value, encoded int) error {
	if 4*encoded < largestDocument-2*longestName {
		return nil
	}
	whole := &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields}}}
	if n := value.NameSize(path) + value.Size(whole) + 32; n > largestDocument {
		return malformed("document %s is of %d bytes: the maximum is %d", path, n, largestDocument)
	}
	return nil
}

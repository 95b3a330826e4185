package likeness

import (
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Generated sequences do not write what another transaction has read, because there the two are meant to differ: ours lets
// the first committer win, and nobody waits; Google's emulator locks what was read, and gives up after some seconds. Either
// way not both commit.
func TestOfAReaderAndAWriterOneIsAborted(t *testing.T) {
	needGoogle(t)
	write := func(in []byte) *pb.CommitRequest {
		increment := &fieldTransform{FieldPath: "n",
			TransformType: &pb.DocumentTransform_FieldTransform_Increment{Increment: integer(1)}}
		return &pb.CommitRequest{Database: database, Transaction: in, Writes: []*pb.Write{{
			Operation: &pb.Write_Transform{Transform: &pb.DocumentTransform{
				Document: documents + "/a/x", FieldTransforms: []*fieldTransform{increment}}}}}}
	}
	read := &pb.BatchGetDocumentsRequest{Database: database, Documents: []string{documents + "/a/x"},
		ConsistencySelector: &pb.BatchGetDocumentsRequest_NewTransaction{NewTransaction: &pb.TransactionOptions{
			Mode: &pb.TransactionOptions_ReadWrite_{ReadWrite: &pb.TransactionOptions_ReadWrite{}}}}}
	for _, c := range []struct {
		server         *server
		writer, reader codes.Code
	}{
		{dial(t, "ours", serveOurs(t)), codes.OK, codes.Aborted},
		{dial(t, "google", googleHost), codes.Aborted, codes.OK},
	} {
		r := &run{context: t.Context(), server: c.server, memory: newMemory(int(2 * sequences.Add(1)))}
		for i, step := range []struct {
			request proto.Message
			want    codes.Code
		}{
			{write(nil), codes.OK}, {read, codes.OK}, {write(nil), c.writer}, {write(symbol(0)), c.reader},
		} {
			if got := r.do(t.Context(), step.request); got.code != step.want {
				t.Errorf("%s, step %d: %s, want %s", c.server.name, i+1, got, step.want)
			}
		}
	}
}

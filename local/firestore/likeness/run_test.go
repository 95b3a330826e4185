package likeness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// patience bounds a request: whoever needs longer hangs. It is less than the time between two heartbeats of a listener.
const patience = 20 * time.Second

// run is a sequence of requests on one server.
type run struct {
	context  context.Context // of the whole sequence
	server   *server
	memory   *memory
	listener *listener // nil until the first target
}

// answer is what a server answered, in symbols.
type answer struct {
	code    codes.Code
	message string // of the error; servers need not agree on it
	body    []string
}

func (a answer) same(b answer) bool { return a.code == b.code && slices.Equal(a.body, b.body) }

func (a answer) String() string {
	if a.code != codes.OK {
		return fmt.Sprintf("%s: %s", a.code, a.message)
	}
	return strings.Join(append([]string{"OK"}, a.body...), "\n\t\t")
}

// do sends one request.
func (r *run) do(ctx context.Context, request proto.Message) answer {
	ctx, cancel := context.WithTimeout(asOwner(ctx), patience)
	defer cancel()
	if l, ok := request.(*pb.ListenRequest); ok {
		return r.listen(ctx, l)
	}
	if asksForTime(request) {
		// The server's time is in whole milliseconds. So that it is not before the commit before:
		time.Sleep(2 * time.Millisecond)
	}
	messages, err := r.server.call(ctx, r.memory.resolve(request))
	if err != nil {
		s, _ := status.FromError(err)
		return answer{code: s.Code(), message: s.Message()}
	}
	var body []string
	for _, m := range messages {
		normal := r.memory.normal(m)
		if w, ok := m.(interface{ GetWriteResults() []*pb.WriteResult }); ok {
			r.memory.learnWrites(request, w.GetWriteResults())
		}
		body = append(body, text(normal))
	}
	return answer{body: body}
}

func asksForTime(request proto.Message) (asks bool) {
	for _, w := range written(request) {
		for _, f := range slices.Concat(w.UpdateTransforms, w.GetTransform().GetFieldTransforms()) {
			asks = asks || f.GetSetToServerValue() == pb.DocumentTransform_FieldTransform_REQUEST_TIME
		}
	}
	return asks
}

// text is a message on one line. A binary writes equal messages equally.
func text(m proto.Message) string {
	return strings.ReplaceAll(prototext.MarshalOptions{}.Format(m), documents+"/", "")
}

// call makes the call that a request is for.
func (s *server) call(ctx context.Context, request proto.Message) ([]proto.Message, error) {
	switch q := request.(type) {
	case *pb.CommitRequest:
		return one(s.client.Commit(ctx, q))
	case *pb.BatchWriteRequest:
		return statuses(s.client.BatchWrite(ctx, q))
	case *pb.BeginTransactionRequest:
		return one(s.client.BeginTransaction(ctx, q))
	case *pb.RollbackRequest:
		return one(s.client.Rollback(ctx, q))
	case *pb.GetDocumentRequest:
		return one(s.client.GetDocument(ctx, q))
	case *pb.CreateDocumentRequest:
		return one(s.client.CreateDocument(ctx, q))
	case *pb.UpdateDocumentRequest:
		return one(s.client.UpdateDocument(ctx, q))
	case *pb.DeleteDocumentRequest:
		return one(s.client.DeleteDocument(ctx, q))
	case *pb.ListDocumentsRequest:
		return one(s.client.ListDocuments(ctx, q))
	case *pb.ListCollectionIdsRequest:
		return one(s.client.ListCollectionIds(ctx, q))
	}
	return s.stream(ctx, request)
}

func (s *server) stream(ctx context.Context, request proto.Message) ([]proto.Message, error) {
	switch q := request.(type) {
	case *pb.BatchGetDocumentsRequest:
		stream, err := s.client.BatchGetDocuments(ctx, q)
		all, err := drain(stream, err)
		return foundDocuments(all), err
	case *pb.RunQueryRequest:
		stream, err := s.client.RunQuery(ctx, q)
		all, err := drain(stream, err)
		return foundByQuery(all), err
	case *pb.RunAggregationQueryRequest:
		stream, err := s.client.RunAggregationQuery(ctx, q)
		all, err := drain(stream, err)
		return aggregated(all), err
	}
	panic(fmt.Sprintf("no call for %T", request))
}

func one[T proto.Message](response T, err error) ([]proto.Message, error) {
	return []proto.Message{response}, err
}

// statuses leaves the codes of a BatchWrite's statuses: their messages are for people.
func statuses(response *pb.BatchWriteResponse, err error) ([]proto.Message, error) {
	for _, s := range response.GetStatus() {
		s.Message, s.Details = "", nil
	}
	return one(response, err)
}

func drain[T any](stream grpc.ServerStreamingClient[T], err error) (all []*T, _ error) {
	if err != nil {
		return nil, err
	}
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, response)
	}
}

// foundDocuments has a transaction first and documents by name: they may come in any order.
func foundDocuments(all []*pb.BatchGetDocumentsResponse) (messages []proto.Message) {
	begun := &pb.BatchGetDocumentsResponse{}
	var found []*pb.BatchGetDocumentsResponse
	for _, r := range all {
		if len(r.Transaction) > 0 {
			begun.Transaction, r.Transaction = r.Transaction, nil
		}
		if r.Result != nil {
			found = append(found, r)
		}
	}
	slices.SortStableFunc(found, func(a, b *pb.BatchGetDocumentsResponse) int {
		return strings.Compare(a.GetFound().GetName()+a.GetMissing(), b.GetFound().GetName()+b.GetMissing())
	})
	messages = []proto.Message{begun}
	for _, r := range found {
		messages = append(messages, r)
	}
	return messages
}

// foundByQuery has the documents in their order, and last what is told beside them: how that is spread over responses, and
// over progress reports, is the server's choice.
func foundByQuery(all []*pb.RunQueryResponse) (messages []proto.Message) {
	rest := &pb.RunQueryResponse{}
	for _, r := range all {
		if len(r.Transaction) > 0 {
			rest.Transaction = r.Transaction
		}
		rest.SkippedResults += r.SkippedResults
		rest.ReadTime = r.ReadTime
		if r.Document != nil {
			messages = append(messages, r.Document)
		}
	}
	return append(messages, rest)
}

func aggregated(all []*pb.RunAggregationQueryResponse) []proto.Message {
	merged := &pb.RunAggregationQueryResponse{}
	for _, r := range all {
		proto.Merge(merged, r)
	}
	return []proto.Message{merged}
}

package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore/database"
)

const (
	testDB   = "projects/p/databases/(default)"
	testDocs = testDB + "/documents"
)

// wire is a Listen stream without a network. Its end is the end of the call that serves it.
type wire struct {
	grpc.ServerStream
	ctx       context.Context
	cancel    context.CancelFunc
	requests  chan *pb.ListenRequest
	responses chan *pb.ListenResponse
	ended     chan struct{}
	err       error     // the stream's, once it has ended
	token     []byte    // the last that came
	time      time.Time // the last read time
}

func (w *wire) Context() context.Context { return w.ctx }

func (w *wire) Recv() (*pb.ListenRequest, error) {
	select {
	case r, ok := <-w.requests:
		if !ok {
			return nil, io.EOF
		}
		return r, nil
	case <-w.ctx.Done():
		return nil, w.ctx.Err()
	}
}

func (w *wire) Send(r *pb.ListenResponse) error {
	select {
	case w.responses <- r:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// listenTo opens a stream that can hold some responses that nobody has read.
func listenTo(s *Server, unread int) *wire {
	w := &wire{
		requests: make(chan *pb.ListenRequest), responses: make(chan *pb.ListenResponse, unread), ended: make(chan struct{}),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(w.ended)
		defer w.cancel()
		w.err = s.Listen(w)
	}()
	return w
}

func (w *wire) add(t *pb.Target) {
	w.send(&pb.ListenRequest{Database: testDB, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: t}})
}

func (w *wire) remove(id int32) {
	w.send(&pb.ListenRequest{Database: testDB, TargetChange: &pb.ListenRequest_RemoveTarget{RemoveTarget: id}})
}

func (w *wire) send(r *pb.ListenRequest) {
	select {
	case w.requests <- r:
	case <-w.ctx.Done():
	}
}

// read waits until nothing happens any more, and gives what came, a line each. It needs a bubble of synctest.
func (w *wire) read(t *testing.T) []string {
	t.Helper()
	synctest.Wait()
	var lines []string
	for {
		select {
		case r := <-w.responses:
			lines = append(lines, line(r))
			w.note(t, r)
		default:
			return lines
		}
	}
}

// note checks what holds for all responses: times do not go back, and what is consistent can be resumed.
func (w *wire) note(t *testing.T, r *pb.ListenResponse) {
	t.Helper()
	at := r.GetTargetChange().GetReadTime()
	if at == nil {
		return
	}
	if at.AsTime().Before(w.time) {
		t.Errorf("read time went back from %v to %v", w.time, at.AsTime())
	}
	w.time, w.token = at.AsTime(), r.GetTargetChange().GetResumeToken()
	if len(w.token) == 0 {
		t.Errorf("%v has no resume token", r)
	}
}

// line says in a few words what a response says. "snapshot" is that all targets are consistent.
func line(r *pb.ListenResponse) string {
	name := func(s string) string { return strings.TrimPrefix(s, testDocs+"/") }
	ids := func(in, out []int32) string {
		s := ""
		if len(in) > 0 {
			s += fmt.Sprint(" in ", in)
		}
		if len(out) > 0 {
			s += fmt.Sprint(" out ", out)
		}
		return s
	}
	switch r := r.GetResponseType().(type) {
	case *pb.ListenResponse_DocumentChange:
		var fields []string
		for k, v := range r.DocumentChange.GetDocument().GetFields() {
			fields = append(fields, fmt.Sprintf("%s=%d", k, v.GetIntegerValue()))
		}
		slices.Sort(fields)
		return "change " + name(r.DocumentChange.GetDocument().GetName()) + " " + strings.Join(fields, ",") +
			ids(r.DocumentChange.GetTargetIds(), r.DocumentChange.GetRemovedTargetIds())
	case *pb.ListenResponse_DocumentDelete:
		return "delete " + name(r.DocumentDelete.GetDocument()) + ids(nil, r.DocumentDelete.GetRemovedTargetIds())
	case *pb.ListenResponse_DocumentRemove:
		return "remove " + name(r.DocumentRemove.GetDocument()) + ids(nil, r.DocumentRemove.GetRemovedTargetIds())
	case *pb.ListenResponse_TargetChange:
		return targetLine(r.TargetChange)
	}
	return fmt.Sprint(r)
}

func targetLine(c *pb.TargetChange) string {
	if c.GetTargetChangeType() == pb.TargetChange_NO_CHANGE && len(c.GetTargetIds()) == 0 && c.GetReadTime() != nil {
		return "snapshot"
	}
	s := fmt.Sprint(c.GetTargetChangeType(), " ", c.GetTargetIds())
	if c.GetCause() != nil {
		s += " " + codes.Code(c.GetCause().GetCode()).String()
	}
	return s
}

// where is an order and a filter of the query targets of these tests: the documents of collection a with n >= least.
func where(id int32, least int64, limit int32, fields ...string) *pb.Target {
	n := &pb.StructuredQuery_FieldReference{FieldPath: "n"}
	q := &pb.StructuredQuery{
		From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: "a"}},
		Where: &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{
			FieldFilter: &pb.StructuredQuery_FieldFilter{
				Field: n, Op: pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL, Value: integer(least),
			},
		}},
		OrderBy: []*pb.StructuredQuery_Order{{Field: n, Direction: pb.StructuredQuery_ASCENDING}},
	}
	if limit > 0 {
		q.Limit = wrapperspb.Int32(limit)
	}
	if len(fields) > 0 {
		q.Select = &pb.StructuredQuery_Projection{}
		for _, f := range fields {
			q.Select.Fields = append(q.Select.Fields, &pb.StructuredQuery_FieldReference{FieldPath: f})
		}
	}
	return asks(id, testDocs, q)
}

func asks(id int32, parent string, q *pb.StructuredQuery) *pb.Target {
	return &pb.Target{TargetId: id, TargetType: &pb.Target_Query{Query: &pb.Target_QueryTarget{
		Parent: parent, QueryType: &pb.Target_QueryTarget_StructuredQuery{StructuredQuery: q},
	}}}
}

func names(id int32, paths ...string) *pb.Target {
	docs := &pb.Target_DocumentsTarget{}
	for _, p := range paths {
		docs.Documents = append(docs.Documents, testDocs+"/"+p)
	}
	return &pb.Target{TargetId: id, TargetType: &pb.Target_Documents{Documents: docs}}
}

func integer(n int64) *pb.Value { return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: n}} }

// put writes a document with the field n; drop deletes one.
func put(p string, n int64) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{
		Name: path.Join(testDocs, p), Fields: map[string]*pb.Value{"n": integer(n)},
	}}}
}

func drop(p string) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: path.Join(testDocs, p)}}
}

// commit commits to the tests' database.
func commit(t interface{ Fatal(...any) }, s *Server, writes ...*pb.Write) *pb.CommitResponse {
	db := openDB(t, s)
	answer, err := db.Commit(context.Background(), nil, writes)
	if err != nil {
		t.Fatal(errors.Join(errors.New("committing in a test"), err))
	}
	return answer
}

func openDB(t interface{ Fatal(...any) }, s *Server) *database.Database {
	db, err := s.store.Database(testDB)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func sorted(lines []string) []string { return slices.Sorted(slices.Values(lines)) }

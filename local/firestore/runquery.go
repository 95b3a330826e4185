package firestore

import (
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// RunQuery answers the documents of a query, one by one; of an empty result, when it was read.
func (s *Server) RunQuery(q *pb.RunQueryRequest, stream pb.Firestore_RunQueryServer) error {
	db, parent, err := s.parent(q.GetParent())
	if err != nil {
		return err
	}
	if err := checkQuery(q.GetStructuredQuery() != nil, q.GetExplainOptions()); err != nil {
		return err
	}
	parsed, err := query.Parse(db.Name(), parent, q.GetStructuredQuery())
	if err != nil {
		return err
	}
	r, err := s.queryReader(db, parsed, q)
	if err != nil {
		return err
	}
	if r.began {
		if err := stream.Send(&pb.RunQueryResponse{Transaction: r.in.ID()}); err != nil {
			return err
		}
	}
	found, skipped := r.run(parsed)
	for i := range max(len(found), 1) {
		response := &pb.RunQueryResponse{ReadTime: timestamppb.New(r.view.Time())}
		if i < len(found) {
			response.Document = sent(db, parsed, found[i])
		}
		if i == 0 {
			response.SkippedResults = int32(skipped)
		}
		if i >= len(found)-1 {
			response.ContinuationSelector = &pb.RunQueryResponse_Done{Done: true}
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

func sent(db *database.Database, q *query.Query, d *database.Document) *pb.Document {
	return &pb.Document{
		Name: db.Name() + "/documents/" + d.Path, Fields: q.Project(d),
		CreateTime: timestamppb.New(d.CreateTime), UpdateTime: timestamppb.New(d.UpdateTime),
	}
}

func checkQuery(is bool, explain *pb.ExplainOptions) error {
	switch {
	case !is:
		return status.Error(codes.InvalidArgument, "the request has no query: set query_type")
	case explain != nil:
		return status.Error(codes.Unimplemented, "explain_options are not supported here: how Firestore would run the "+
			"query only it knows")
	}
	return nil
}

// queryReader reads for a query, if production has an index for it.
func (s *Server) queryReader(db *database.Database, q *query.Query, c consistency) (reader, error) {
	if err := s.indexes.Check(db.Name(), q); err != nil {
		return reader{}, err
	}
	return readerOf(db, c)
}

// run runs a query. In a transaction, its result is one of those that the transaction depends on.
func (r reader) run(q *query.Query) (found []*database.Document, skipped int) {
	found, skipped = q.Run(r.view)
	if r.in != nil {
		r.in.Depends(func(latest database.View) bool {
			now, _ := q.Run(latest)
			return slices.EqualFunc(found, now, sameVersion)
		})
	}
	return found, skipped
}

func sameVersion(a, b *database.Document) bool {
	return a.Path == b.Path && a.UpdateTime.Equal(b.UpdateTime) && a.CreateTime.Equal(b.CreateTime)
}

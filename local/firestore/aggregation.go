package firestore

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/query"
)

// RunAggregationQuery answers numbers of a query's documents.
func (s *Server) RunAggregationQuery(q *pb.RunAggregationQueryRequest, stream pb.Firestore_RunAggregationQueryServer) error {
	db, parent, err := s.parent(q.GetParent())
	if err != nil {
		return err
	}
	if err := checkQuery(q.GetStructuredAggregationQuery() != nil, q.GetExplainOptions()); err != nil {
		return err
	}
	parsed, err := query.ParseAggregation(db.Name(), parent, q.GetStructuredAggregationQuery())
	if err != nil {
		return err
	}
	r, err := s.queryReader(db, parsed.Query, q)
	if err != nil {
		return err
	}
	found, _ := r.run(parsed.Query)
	response := &pb.RunAggregationQueryResponse{
		Result:   &pb.AggregationResult{AggregateFields: parsed.Of(found)},
		ReadTime: timestamppb.New(r.view.Time()),
	}
	if r.began {
		response.Transaction = r.in.ID()
	}
	return stream.Send(response)
}

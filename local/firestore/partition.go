package firestore

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/firestore/value"
)

// minPartition is how many documents a partition has at least.
const minPartition = 128

// PartitionQuery answers where to cut the result of a collection group's query into parts of about one size: at most as
// many cuts as the request says, and none that leaves a part with few documents.
func (s *Server) PartitionQuery(_ context.Context, q *pb.PartitionQueryRequest) (*pb.PartitionQueryResponse, error) {
	db, parent, err := s.parent(q.GetParent())
	if err != nil {
		return nil, err
	}
	if err := checkPartition(parent, q); err != nil {
		return nil, err
	}
	n, after, err := pageOf(q.GetPageSize(), q.GetPageToken())
	if err != nil {
		return nil, err
	}
	parsed, err := query.Parse(db.Name(), parent, q.GetStructuredQuery())
	if err != nil {
		return nil, err
	}
	view := db.Latest()
	if t := q.GetReadTime(); t != nil {
		if view, err = at(db, t); err != nil {
			return nil, err
		}
	}
	found, _ := parsed.Run(view)
	cuts := cut(found, int(q.GetPartitionCount()), after)
	page, next := cutPage(cuts, n, func(path string) string { return path })
	response := &pb.PartitionQueryResponse{NextPageToken: next}
	for _, path := range page {
		name := &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: db.Name() + "/documents/" + path}}
		response.Partitions = append(response.Partitions, &pb.Cursor{Values: []*pb.Value{name}, Before: true})
	}
	return response, nil
}

// cut answers the first document of each part but the first, by path, from behind one on.
func cut(found []*database.Document, cuts int, after string) (paths []string) {
	parts := min(cuts+1, len(found)/minPartition)
	for i := 1; i < parts; i++ {
		if path := found[i*len(found)/parts].Path; value.CompareNames(path, after) > 0 {
			paths = append(paths, path)
		}
	}
	return paths
}

func checkPartition(parent string, q *pb.PartitionQueryRequest) error {
	s := q.GetStructuredQuery()
	orders := s.GetOrderBy()
	switch {
	case s == nil:
		return status.Error(codes.InvalidArgument, "the request has no query: set query_type")
	case parent != "":
		return status.Errorf(codes.InvalidArgument, "the parent is the document %s: only queries below the database are partitioned", parent)
	case q.GetPartitionCount() < 1:
		return status.Errorf(codes.InvalidArgument, "partition_count is %d: it must be positive", q.GetPartitionCount())
	case len(s.GetFrom()) != 1 || !s.GetFrom()[0].GetAllDescendants(),
		len(orders) != 1 || orders[0].GetField().GetFieldPath() != "__name__" || orders[0].GetDirection() == pb.StructuredQuery_DESCENDING,
		s.GetWhere() != nil || s.GetStartAt() != nil || s.GetEndAt() != nil || s.GetOffset() != 0 || s.GetLimit() != nil || s.GetFindNearest() != nil:
		return status.Error(codes.InvalidArgument, "only a query of a collection group is partitioned, ordered by __name__ and by "+
			"nothing else, without filters, cursors, offset and limit")
	}
	return nil
}

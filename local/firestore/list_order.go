package firestore

import (
	"strconv"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// listInOrder is ListDocuments with an order: a query. after is how many documents the pages before had.
func (s *Server) listInOrder(
	db *database.Database, parent string, q *pb.ListDocumentsRequest, m mask, n int, after string,
) (*pb.ListDocumentsResponse, error) {
	skipped, err := strconv.ParseUint("0"+after, 10, 31)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, "invalid page token")
	}
	if q.CollectionId == "" {
		return nil, status.Error(codes.InvalidArgument, "collection id must be set when order_by is")
	}
	orders, err := parseOrder(q.OrderBy)
	if err != nil {
		return nil, err
	}
	parsed, err := query.Parse(db.Name(), parent, &pb.StructuredQuery{
		From:    []*pb.StructuredQuery_CollectionSelector{{CollectionId: q.CollectionId}},
		OrderBy: orders, Offset: int32(skipped), Limit: wrapperspb.Int32(int32(n)),
	})
	if err != nil {
		return nil, err
	}
	r, err := s.queryReader(db, parsed, q)
	if err != nil {
		return nil, err
	}
	found, _ := r.run(parsed)
	answer := &pb.ListDocumentsResponse{}
	for _, d := range found {
		answer.Documents = append(answer.Documents, m.of(db, d))
	}
	if len(found) == n {
		answer.NextPageToken = pageToken(strconv.Itoa(int(skipped) + n))
	}
	return answer, nil
}

// parseOrder reads fields with commas between them, each with asc or desc behind it, or neither.
func parseOrder(s string) ([]*pb.StructuredQuery_Order, error) {
	var orders []*pb.StructuredQuery_Order
	for clause := range strings.SplitSeq(s, ",") {
		words := strings.Fields(clause)
		o := &pb.StructuredQuery_Order{Direction: pb.StructuredQuery_ASCENDING}
		switch {
		case len(words) == 2 && strings.EqualFold(words[1], "desc"):
			o.Direction = pb.StructuredQuery_DESCENDING
		case len(words) == 1, len(words) == 2 && strings.EqualFold(words[1], "asc"):
		default:
			return nil, status.Errorf(codes.InvalidArgument, "Invalid order by clause %q.", s)
		}
		o.Field = &pb.StructuredQuery_FieldReference{FieldPath: words[0]}
		orders = append(orders, o)
	}
	if first := orders[0]; first.Field.FieldPath == "__name__" && first.Direction == pb.StructuredQuery_DESCENDING {
		return nil, status.Error(codes.FailedPrecondition, "Firestore does not support descending key scans")
	}
	return orders, nil
}

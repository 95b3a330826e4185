package firestore_test

import (
	"fmt"
	"slices"
	"testing"

	official "cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/firestore"
)

// members writes documents of the collection group "members" below several documents, and answers their names in order.
func members(t *testing.T, c *official.Client, n int) (names []string) {
	t.Helper()
	documents := map[string]fields{"other/x": {}}
	for i := range n {
		path := fmt.Sprintf("teams/t%d/members/m%03d", i%7, i)
		documents[path] = fields{"i": i}
		names = append(names, database+"/documents/"+path)
	}
	fill(t, c, documents)
	slices.Sort(names)
	return names
}

// TestPartitionsAreTheWholeQuery asks for partitions by the official client, which reads each with a query of its own.
func TestPartitionsAreTheWholeQuery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ documents, asked, want int }{{0, 5, 1}, {200, 5, 1}, {256, 5, 2}, {450, 2, 2}, {450, 10, 3}} {
		t.Run(fmt.Sprintf("%d documents, %d parts", c.documents, c.asked), func(t *testing.T) {
			t.Parallel()
			client, _ := start(t, firestore.Options{})
			names := members(t, client, c.documents)
			parts, err := client.CollectionGroup("members").GetPartitionedQueries(t.Context(), c.asked)
			if err != nil {
				t.Fatal(err)
			}
			if len(parts) < c.want || len(parts) > c.asked+1 {
				t.Errorf("%d parts, want at least %d", len(parts), c.want)
			}
			var got []string
			for _, part := range parts {
				documents, err := part.Documents(t.Context()).GetAll()
				if err != nil {
					t.Fatal(err)
				}
				if c.documents > 0 && len(documents) < 128 {
					t.Errorf("a part has %d documents", len(documents))
				}
				for _, d := range documents {
					got = append(got, d.Ref.Path)
				}
			}
			if !slices.Equal(got, names) {
				t.Errorf("%d documents in all parts, want %d, each once and in order", len(got), len(names))
			}
		})
	}
}

func partitioned() *pb.PartitionQueryRequest {
	return &pb.PartitionQueryRequest{
		Parent: database + "/documents", PartitionCount: 5, PageSize: 1,
		QueryType: &pb.PartitionQueryRequest_StructuredQuery{StructuredQuery: &pb.StructuredQuery{
			From:    []*pb.StructuredQuery_CollectionSelector{{CollectionId: "members", AllDescendants: true}},
			OrderBy: []*pb.StructuredQuery_Order{{Field: &pb.StructuredQuery_FieldReference{FieldPath: "__name__"}}},
		}},
	}
}

func TestPartitionsComeInPages(t *testing.T) {
	t.Parallel()
	client, bare := start(t, firestore.Options{})
	members(t, client, 450)
	var cursors []string
	for request := partitioned(); ; {
		page, err := bare.PartitionQuery(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Partitions) > 1 {
			t.Fatalf("%d cursors on a page of one", len(page.Partitions))
		}
		for _, c := range page.Partitions {
			cursors = append(cursors, c.Values[0].GetReferenceValue())
		}
		if request.PageToken = page.NextPageToken; request.PageToken == "" {
			break
		}
	}
	if len(cursors) != 2 || cursors[0] >= cursors[1] {
		t.Errorf("cursors %q, want two in order", cursors)
	}
}

func TestOnlyAGroupByNameIsPartitioned(t *testing.T) {
	t.Parallel()
	_, bare := start(t, firestore.Options{})
	for name, change := range map[string]func(*pb.PartitionQueryRequest, *pb.StructuredQuery){
		"no query":         func(r *pb.PartitionQueryRequest, _ *pb.StructuredQuery) { r.QueryType = nil },
		"no parent":        func(r *pb.PartitionQueryRequest, _ *pb.StructuredQuery) { r.Parent = "" },
		"below a document": func(r *pb.PartitionQueryRequest, _ *pb.StructuredQuery) { r.Parent += "/teams/t1" },
		"no parts":         func(r *pb.PartitionQueryRequest, _ *pb.StructuredQuery) { r.PartitionCount = 0 },
		"a wrong page":     func(r *pb.PartitionQueryRequest, _ *pb.StructuredQuery) { r.PageToken = "?" },
		"a collection":     func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.From[0].AllDescendants = false },
		"nothing":          func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.From = nil },
		"no order":         func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.OrderBy = nil },
		"another order":    func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.OrderBy[0].Field.FieldPath = "i" },
		"backwards": func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) {
			q.OrderBy[0].Direction = pb.StructuredQuery_DESCENDING
		},
		"an offset": func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.Offset = 1 },
		"a cursor":  func(_ *pb.PartitionQueryRequest, q *pb.StructuredQuery) { q.StartAt = &pb.Cursor{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := proto.Clone(partitioned()).(*pb.PartitionQueryRequest)
			change(request, request.GetStructuredQuery())
			_, err := bare.PartitionQuery(t.Context(), request)
			wantStatus(t, name, err, codes.InvalidArgument)
		})
	}
}

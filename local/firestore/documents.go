package firestore

import (
	"context"
	"crypto/rand"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
)

// GetDocument answers a document; NOT_FOUND if there is none.
func (s *Server) GetDocument(_ context.Context, q *pb.GetDocumentRequest) (*pb.Document, error) {
	db, path, err := s.document(q.Name)
	if err != nil {
		return nil, err
	}
	m, err := parseMask(q.Mask)
	if err != nil {
		return nil, err
	}
	r, err := readerOf(db, q)
	if err != nil {
		return nil, err
	}
	if d := r.get(path); d != nil {
		return m.of(db, d), nil
	}
	return nil, status.Errorf(codes.NotFound, "Document %q not found.", q.Name)
}

// BatchGetDocuments answers documents, each once, and says which there are not.
func (s *Server) BatchGetDocuments(q *pb.BatchGetDocumentsRequest, stream pb.Firestore_BatchGetDocumentsServer) error {
	db, err := s.store.Database(q.Database)
	if err != nil {
		return err
	}
	m, err := parseMask(q.Mask)
	if err != nil {
		return err
	}
	paths, err := distinctPaths(q)
	if err != nil {
		return err
	}
	r, err := readerOf(db, q)
	if err != nil {
		return err
	}
	if r.began {
		if err := stream.Send(&pb.BatchGetDocumentsResponse{Transaction: r.in.ID()}); err != nil {
			return err
		}
	}
	for _, path := range paths {
		if err := stream.Send(r.found(db, path, m)); err != nil {
			return err
		}
	}
	return nil
}

func distinctPaths(q *pb.BatchGetDocumentsRequest) ([]string, error) {
	var paths []string
	seen := map[string]bool{}
	for _, name := range q.Documents {
		path, err := documentPath(q.Database, name)
		if err != nil {
			return nil, err
		}
		if !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
	}
	return paths, nil
}

func (r reader) found(db *database.Database, path string, m mask) *pb.BatchGetDocumentsResponse {
	response := &pb.BatchGetDocumentsResponse{ReadTime: timestamppb.New(r.view.Time())}
	if d := r.get(path); d != nil {
		response.Result = &pb.BatchGetDocumentsResponse_Found{Found: m.of(db, d)}
	} else {
		response.Result = &pb.BatchGetDocumentsResponse_Missing{Missing: db.Name() + "/documents/" + path}
	}
	return response
}

// CreateDocument creates a document, by an id that it chooses if the request has none; ALREADY_EXISTS if it is there.
func (s *Server) CreateDocument(ctx context.Context, q *pb.CreateDocumentRequest) (*pb.Document, error) {
	if q.Document.GetName() != "" {
		return nil, status.Error(codes.InvalidArgument, "document.name must not be set")
	}
	if err := database.CheckCollectionID(q.CollectionId); err != nil {
		return nil, err
	}
	id := q.DocumentId
	switch {
	case id == "":
		id = rand.Text()[:20]
	case strings.Contains(id, "/"):
		return nil, status.Errorf(codes.InvalidArgument, `Document id %q is invalid because it contains "/"`, id)
	}
	d := &pb.Document{Name: q.Parent + "/" + q.CollectionId + "/" + id, Fields: q.Document.GetFields()}
	w := &pb.Write{
		Operation:       &pb.Write_Update{Update: d},
		CurrentDocument: &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: false}},
	}
	return s.write(ctx, d, w, q.Mask)
}

// UpdateDocument updates a document or, if its precondition does not forbid it, creates it.
func (s *Server) UpdateDocument(ctx context.Context, q *pb.UpdateDocumentRequest) (*pb.Document, error) {
	return s.write(ctx, q.Document, &pb.Write{
		Operation: &pb.Write_Update{Update: q.Document}, UpdateMask: q.UpdateMask, CurrentDocument: q.CurrentDocument,
	}, q.Mask)
}

// write writes a document, and answers what it is then.
func (s *Server) write(
	ctx context.Context, d *pb.Document, w *pb.Write, answer *pb.DocumentMask,
) (*pb.Document, error) {
	db, path, err := s.document(d.GetName())
	if err != nil {
		return nil, err
	}
	m, err := parseMask(answer)
	if err != nil {
		return nil, err
	}
	c, err := db.Commit(ctx, nil, []*pb.Write{w})
	if err != nil {
		return nil, err
	}
	v, err := db.At(c.CommitTime.AsTime())
	if err != nil {
		return nil, err
	}
	return m.of(db, v.Get(path)), nil
}

// DeleteDocument deletes a document, if it is there.
func (s *Server) DeleteDocument(ctx context.Context, q *pb.DeleteDocumentRequest) (*emptypb.Empty, error) {
	db, _, err := s.document(q.Name)
	if err != nil {
		return nil, err
	}
	_, err = db.Commit(ctx, nil, []*pb.Write{{
		Operation: &pb.Write_Delete{Delete: q.Name}, CurrentDocument: q.CurrentDocument,
	}})
	return &emptypb.Empty{}, err
}

package firestore

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/value"
)

// documentPath is the path of a document that is to be in a database. INVALID_ARGUMENT if it is not.
func documentPath(db, name string) (string, error) {
	in, path, err := database.SplitName(name)
	return within(db, in, name, path, err)
}

// parentPath is documentPath for a document or the database's root, whose path is "".
func parentPath(db, name string) (string, error) {
	in, path, err := database.SplitParent(name)
	return within(db, in, name, path, err)
}

func within(db, in, name, path string, err error) (string, error) {
	if err == nil && in != db {
		err = status.Errorf(codes.InvalidArgument, "%s is not in the request's database %s", name, db)
	}
	return path, err
}

// document finds a document's database and path.
func (s *Server) document(name string) (*database.Database, string, error) {
	return s.find(database.SplitName(name))
}

// parent finds the database and path of a document or of a database's root.
func (s *Server) parent(name string) (*database.Database, string, error) {
	return s.find(database.SplitParent(name))
}

func (s *Server) find(name, path string, err error) (*database.Database, string, error) {
	if err != nil {
		return nil, "", err
	}
	db, err := s.store.Database(name)
	return db, path, err
}

// mask is which fields of documents a request wants.
type mask struct {
	all   bool
	paths []value.Path
}

func parseMask(m *pb.DocumentMask) (mask, error) {
	if m == nil {
		return mask{all: true}, nil
	}
	paths, err := database.ParseMask(m.FieldPaths)
	return mask{paths: paths}, err
}

// of is a document as it is sent.
func (m mask) of(db *database.Database, d *database.Document) *pb.Document {
	fields := d.Fields()
	if !m.all {
		fields = m.project(fields)
	}
	return &pb.Document{
		Name: db.Name() + "/documents/" + d.Path, Fields: fields,
		CreateTime: timestamppb.New(d.CreateTime), UpdateTime: timestamppb.New(d.UpdateTime),
	}
}

func (m mask) project(fields map[string]*pb.Value) map[string]*pb.Value {
	some := map[string]*pb.Value{}
	for _, p := range m.paths {
		if v := p.Get(fields); v != nil {
			p.Set(some, v)
		}
	}
	return some
}

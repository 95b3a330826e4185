package firestore

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
)

// consistency is how requests say at which moment they read.
type consistency interface {
	GetTransaction() []byte
	GetReadTime() *timestamppb.Timestamp
}

// reader reads at the moment that a request asks for.
type reader struct {
	view  database.View
	in    *database.Transaction // nil if the request is in none
	began bool                  // the transaction, by this request
}

// readerOf is the reader of a request: in its transaction, in a new one that it begins, at its time, or now.
func readerOf(db *database.Database, c consistency) (reader, error) {
	if id := c.GetTransaction(); id != nil {
		t, err := db.Transaction(id)
		if err != nil {
			return reader{}, err
		}
		return reader{view: t.View(), in: t}, nil
	}
	if b, ok := c.(interface {
		GetNewTransaction() *pb.TransactionOptions
	}); ok && b.GetNewTransaction() != nil {
		t, err := db.Begin(readOnlyIfUnset(b.GetNewTransaction()))
		if err != nil {
			return reader{}, err
		}
		return reader{view: t.View(), in: t, began: true}, nil
	}
	if t := c.GetReadTime(); t != nil {
		v, err := at(db, t)
		return reader{view: v}, err
	}
	return reader{view: db.Latest()}, nil
}

// readOnlyIfUnset is the options of a transaction that a read begins: other than BeginTransaction's, it is read-only if
// they do not say what it is to be.
func readOnlyIfUnset(o *pb.TransactionOptions) *pb.TransactionOptions {
	if o.GetMode() != nil {
		return o
	}
	return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: &pb.TransactionOptions_ReadOnly{}}}
}

// at is the database at a time that a request says.
func at(db *database.Database, t *timestamppb.Timestamp) (database.View, error) {
	if err := t.CheckValid(); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "read_time: %v", err)
	}
	return db.At(t.AsTime())
}

// get reads a document; in a transaction, it is one of those that it depends on.
func (r reader) get(path string) *database.Document {
	if r.in != nil {
		return r.in.Read(path)
	}
	return r.view.Get(path)
}

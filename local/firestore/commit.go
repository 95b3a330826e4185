package firestore

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"orderflow.dev/local/firestore/database"
)

// largestRequest is https://firebase.google.com/docs/firestore/quotas#writes_and_transactions.
const largestRequest = 10 << 20 // bytes

// BeginTransaction begins a transaction.
func (s *Server) BeginTransaction(
	_ context.Context, q *pb.BeginTransactionRequest,
) (*pb.BeginTransactionResponse, error) {
	db, err := s.store.Database(q.Database)
	if err != nil {
		return nil, err
	}
	t, err := db.Begin(q.Options)
	if err != nil {
		return nil, err
	}
	return &pb.BeginTransactionResponse{Transaction: t.ID()}, nil
}

// Commit makes all writes, or none, in a transaction or without one.
func (s *Server) Commit(ctx context.Context, q *pb.CommitRequest) (*pb.CommitResponse, error) {
	db, err := s.written(q.Database, q)
	if err != nil {
		return nil, err
	}
	var t *database.Transaction
	if len(q.Transaction) > 0 {
		if t, err = db.Transaction(q.Transaction); err != nil {
			return nil, err
		}
	}
	return db.Commit(ctx, t, q.Writes)
}

// BatchWrite makes each write for itself, and answers a status for each.
func (s *Server) BatchWrite(ctx context.Context, q *pb.BatchWriteRequest) (*pb.BatchWriteResponse, error) {
	db, err := s.written(q.Database, q)
	if err != nil {
		return nil, err
	}
	return db.BatchWrite(ctx, q.Writes)
}

// written is the database that a request writes to.
func (s *Server) written(name string, q proto.Message) (*database.Database, error) {
	if n := proto.Size(q); n > largestRequest {
		return nil, status.Errorf(codes.InvalidArgument,
			"Request payload size of %d bytes exceeds the limit: %d bytes", n, largestRequest)
	}
	return s.store.Database(name)
}

// Rollback forgets a transaction. One that was ended already is no error.
func (s *Server) Rollback(_ context.Context, q *pb.RollbackRequest) (*emptypb.Empty, error) {
	db, err := s.store.Database(q.Database)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, db.Rollback(q.Transaction)
}

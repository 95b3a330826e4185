package likeness

import (
	"context"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// server is one of the two that are compared.
type server struct {
	name   string
	client pb.FirestoreClient
}

// dial connects to a server as the owner of its project, to whom Google's emulator applies no security rules.
func dial(t testing.TB, name, host string, o ...grpc.DialOption) *server {
	t.Helper()
	o = append(o, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	conn, err := grpc.NewClient(host, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &server{name: name, client: pb.NewFirestoreClient(conn)}
}

func asOwner(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer owner")
}

package google

import (
	"context"
	"fmt"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// warmUp makes one of each common call in a project nobody else uses. The first
// calls load classes for about a second, which would otherwise run into the
// time-outs of the first request somebody makes.
func warmUp(ctx context.Context, host string) error {
	conn, err := grpc.NewClient(host,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(owner{}))
	if err != nil {
		return fmt.Errorf("warm up Firestore emulator: %w", err)
	}
	defer conn.Close()
	client, err := firestore.NewClient(ctx, "warm-up", option.WithGRPCConn(conn))
	if err != nil {
		return fmt.Errorf("warm up Firestore emulator: %w", err)
	}
	defer client.Close()
	if err := touch(ctx, client); err != nil {
		return fmt.Errorf("warm up Firestore emulator: %w", err)
	}
	return nil
}

func touch(ctx context.Context, client *firestore.Client) error {
	doc := client.Collection("scratch").Doc("one")
	if _, err := doc.Create(ctx, map[string]any{"n": 1}); err != nil {
		return err
	}
	if _, err := doc.Get(ctx); err != nil {
		return err
	}
	if _, err := client.Collection("scratch").Where("n", "==", 1).Documents(ctx).GetAll(); err != nil {
		return err
	}
	_, err := doc.Delete(ctx)
	return err
}

// owner is the credential with which the emulator applies no security rules.
type owner struct{}

func (owner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

func (owner) RequireTransportSecurity() bool { return false }

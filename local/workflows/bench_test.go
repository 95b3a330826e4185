package workflows_test

import (
	"context"
	"net"
	"testing"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/workflows"
)

// BenchmarkCreateExecution starts executions over gRPC with the official client.
func BenchmarkCreateExecution(b *testing.B) {
	e := workflows.NewEngine(workflows.Options{Project: "p", Location: "l"})
	e.Deploy("w", compile(b, `[{a: {return: 1}}]`))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.Serve(ctx, l) }()
	defer func() {
		cancel()
		<-served
	}()
	client, err := executions.NewClient(ctx, option.WithEndpoint(l.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	request := &executionspb.CreateExecutionRequest{Parent: parent, Execution: &executionspb.Execution{Argument: `{"id":"o1"}`}}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.CreateExecution(ctx, request); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

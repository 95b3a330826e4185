// Package workflow starts executions of Google Cloud Workflows.
package workflow

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/telemetry"
)

// Config names the workflow.
type Config struct {
	Project  string `env:"GOOGLE_CLOUD_PROJECT, required"`
	Location string `env:"WORKFLOW_LOCATION, required"`
	Workflow string `env:"WORKFLOW, default=fulfil-order"`
}

// Starter starts executions of one workflow.
type Starter struct {
	client *executions.Client
	parent string
}

// New opens a starter. WORKFLOWS_EMULATOR_HOST (host:port) leads it to an engine on this machine.
func New(ctx context.Context, cfg Config) (*Starter, error) {
	var options []option.ClientOption
	if host := os.Getenv("WORKFLOWS_EMULATOR_HOST"); host != "" {
		options = append(options, option.WithEndpoint(host), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	client, err := executions.NewClient(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("open Workflows: %w", err)
	}
	return &Starter{client: client, parent: fmt.Sprintf("projects/%s/locations/%s/workflows/%s", cfg.Project, cfg.Location, cfg.Workflow)}, nil
}

// Start starts an execution with argument as JSON. RESOURCE_EXHAUSTED says that Workflows throttles.
func (s *Starter) Start(ctx context.Context, argument any) error {
	body, err := json.Marshal(argument)
	if err != nil {
		return fmt.Errorf("start %s: %w", s.parent, err)
	}
	telemetry.Count(ctx, "calls", 1)
	_, err = s.client.CreateExecution(ctx, &executionspb.CreateExecutionRequest{
		Parent: s.parent, Execution: &executionspb.Execution{Argument: string(body)},
	})
	if err != nil {
		return fault.Wrap(err, code(err), "", "start %s", s.parent)
	}
	return nil
}

// code is that of a failed start. A workflow that is not deployed yet, or not permitted yet, needs a person, after whom
// the same start succeeds: it must not count as the request's own fault.
func code(err error) codes.Code {
	switch c := status.Code(err); c {
	case codes.NotFound, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.Unimplemented:
		return codes.Internal
	default:
		return c
	}
}

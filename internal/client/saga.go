package client

import (
	"context"

	"orderflow.dev/internal/order"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/platform/workflow"
)

// Saga is order.Saga by the workflow fulfil-order.
type Saga struct {
	starter *workflow.Starter
}

// NewSaga connects to Workflows.
func NewSaga(ctx context.Context, cfg workflow.Config) (*Saga, error) {
	starter, err := workflow.New(ctx, cfg)
	return &Saga{starter}, err
}

// Start implements order.Saga. The saga carries the trace and request id on.
func (s *Saga) Start(ctx context.Context, f order.Fulfilment) error {
	t := telemetry.TraceOf(ctx)
	f.Traceparent, f.RequestID = t.Traceparent(), t.RequestID
	return s.starter.Start(ctx, f)
}

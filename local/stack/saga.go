package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path"
	"strings"
	"sync"
	"time"

	"orderflow.dev"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/local/oidc"
	"orderflow.dev/local/workflows"
)

// newEngine makes the engine, without workflows.
func (s *Stack) newEngine() {
	s.sagaEnv = map[string]string{}
	s.Engine = workflows.NewEngine(workflows.Options{
		Project: Project, Location: Location, Env: s.sagaEnv, StartsPerSecond: s.options.StartsPerSecond, OnEnd: s.logExecution,
		Token: s.sagaToken(), Journal: s.journal, Trace: true, HTTP: s.sagaClient(),
	})
}

// startWorkflows deploys the shipped workflows, as they are, with the environment Terraform gives them.
func (s *Stack) startWorkflows(_, run context.Context) error {
	for _, u := range s.units {
		if u.Service || u.Trigger.Saga != "" {
			s.sagaEnv[u.EnvName()] = s.urls[u.Name]
		}
	}
	files, err := fs.Glob(orderflow.Tree, "workflows/*.yaml")
	if err != nil {
		return err
	}
	for _, f := range files {
		source, err := orderflow.Tree.ReadFile(f)
		if err != nil {
			return err
		}
		w, err := workflows.Compile(f, source)
		if err != nil {
			return err
		}
		s.Engine.Deploy(strings.TrimSuffix(path.Base(f), ".yaml"), w)
	}
	s.servers.Go(func() error { return s.Engine.Serve(run, s.workflowsListener) })
	return s.Engine.Resume()
}

func (s *Stack) listenWorkflows() (err error) {
	if s.workflowsListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.Workflows = s.workflowsListener.Addr().String()
	setenv(map[string]string{"WORKFLOWS_EMULATOR_HOST": s.Workflows, "WORKFLOW_LOCATION": Location})
	return nil
}

// sagaToken gives the saga ID tokens, one per audience for most of its life: signing one for each call would be half of
// what the stack's own processor time goes to.
func (s *Stack) sagaToken() func(context.Context, string) (string, error) {
	type issued struct {
		token string
		until time.Time
	}
	var tokens sync.Map
	return func(_ context.Context, audience string) (string, error) {
		if t, ok := tokens.Load(audience); ok && time.Now().Before(t.(issued).until) {
			return t.(issued).token, nil
		}
		token, err := s.Issuer.Token("fulfil-order", oidc.WithAudience(audience), oidc.WithTTL(time.Hour))
		if err == nil {
			tokens.Store(audience, issued{token, time.Now().Add(50 * time.Minute)})
		}
		return token, err
	}
}

// logExecution writes the line that Workflows writes at the end of an execution.
func (s *Stack) logExecution(e workflows.Execution) {
	var argument struct {
		OrderID     string `json:"order_id"`
		Traceparent string `json:"traceparent"`
		RequestID   string `json:"request_id"`
	}
	_ = json.Unmarshal(e.Argument, &argument) // what is no order's is logged without
	attrs := []slog.Attr{
		slog.String("function", e.Workflow), slog.String("order_id", argument.OrderID),
		slog.String("outcome", strings.ToLower(fmt.Sprint(e.State))), slog.Int("steps", e.Steps.Internal+e.Steps.External),
		slog.Float64("ms", float64(e.End.Sub(e.Start).Microseconds())/1000),
	}
	level := slog.LevelInfo
	if e.Error != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", e.Error.Context))
	}
	ctx := telemetry.WithTrace(context.Background(), telemetry.Continue(argument.Traceparent, argument.RequestID))
	telemetry.Log(ctx, level, fmt.Sprintf("%s %v", e.Workflow, e.State), attrs...)
}

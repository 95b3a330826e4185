// Package function turns a use case into a deployed function: configuration, wiring, one log line per invocation, and
// the answer its kind of caller expects. A function's own package holds only its wiring.
//
// API, Call, Event, Message, Schedule and Webhook register a function; ServeAPI, ServeCall, … are what it serves once it
// is wired, and need neither registration nor environment.
package function

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/sethvargo/go-envconfig"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// Base is what every function's configuration has.
type Base struct {
	Project string `env:"GOOGLE_CLOUD_PROJECT, required"`
}

// once wires a function on first use and again after a failure.
type once[C, H any] struct {
	wire func(context.Context, C) (H, error)

	mu      sync.Mutex
	wired   bool
	handler H
}

func (o *once[C, H]) get(ctx context.Context) (H, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wired {
		return o.handler, nil
	}
	var cfg C
	if err := envconfig.Process(ctx, &cfg); err != nil {
		return o.handler, fmt.Errorf("configuration: %w", err)
	}
	// Clients keep this context: it must outlive the request that happens to come first.
	h, err := o.wire(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return o.handler, err
	}
	o.handler, o.wired = h, true
	return h, nil
}

// register makes name a function. Where it is the process's own (FUNCTION_TARGET), it is wired now, so that a bad
// configuration ends the process before it takes traffic; elsewhere, where many share a process, on its first request.
//
// Events too are registered as HTTP functions: the framework's own CloudEvent path hangs requests for ever under
// concurrency (cloudevents/sdk-go #1224, #1332) and has malformed events redelivered.
func register[C any](name string, wire func(context.Context, C) (http.Handler, error)) {
	o := &once[C, http.Handler]{wire: wire}
	if os.Getenv("FUNCTION_TARGET") == name {
		if _, err := o.get(context.Background()); err != nil {
			telemetry.Log(context.Background(), slog.LevelError, "cannot start "+name, slog.String("error", err.Error()))
			os.Exit(1)
		}
		exitOnSIGTERM(name)
	}
	functions.HTTP(name, func(w http.ResponseWriter, r *http.Request) {
		if !inFlight.begin() {
			refuse(w)
			return
		}
		defer inFlight.end()
		h, err := o.get(r.Context())
		if err != nil {
			telemetry.Log(r.Context(), slog.LevelError, "cannot wire "+name, slog.String("error", err.Error()))
			problem.Write(w, "", fault.Wrap(err, codes.Unavailable, "not_ready", "this part of the service cannot start: try again later"))
			return
		}
		h.ServeHTTP(w, r)
	})
}

// run runs one invocation: its trace, its line in the log, and its panics, which become errors.
func run(name string, r *http.Request, t telemetry.Trace, do func(context.Context) error) (err error) {
	ctx, inv := telemetry.Start(r.Context(), name, t)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
		inv.End(problem.Level(err), outcome(err), err)
	}()
	return do(ctx)
}

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	f := fault.Of(err)
	if f.Reason != "" {
		return f.Reason
	}
	return problem.CodeName(f.Code)
}

func traceOf(r *http.Request) telemetry.Trace {
	return telemetry.Continue(r.Header.Get("traceparent"), r.Header.Get("X-Request-Id"))
}

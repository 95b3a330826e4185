// Package sweepuploads brings every import to its end, whatever was lost on the way.
package sweepuploads

import (
	"context"
	"time"

	"orderflow.dev/internal/client/imports"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/function"
)

type config struct {
	Planner imports.PlannerConfig
	Grace   time.Duration `env:"UPLOAD_GRACE, default=5m"` // an upload this old should have been planned
}

func init() { function.Schedule("sweep-uploads", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context) (function.Summary, error), error) {
	planner, err := imports.NewPlanner(ctx, cfg.Planner)
	if err != nil {
		return nil, err
	}
	return Handler(importing.Sweeper{Planner: planner, Grace: cfg.Grace}), nil
}

// Handler sweeps imports and uploads.
func Handler(sweeper importing.Sweeper) func(context.Context) (function.Summary, error) {
	return func(ctx context.Context) (function.Summary, error) {
		done, err := sweeper.Sweep(ctx)
		return function.Summary{
			"planned": done.Planned, "resumed": done.Resumed, "asked": done.Asked, "reported": done.Reported,
			"stalled_s": int(done.Stalled.Seconds()),
		}, err
	}
}

// Package planimport makes an upload an import: its file is kept, looked at, and cut into chunks.
package planimport

import (
	"context"
	"log/slog"

	"orderflow.dev/internal/client/imports"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/platform/telemetry"
)

func init() { function.Upload("plan-import", wire) }

func wire(ctx context.Context, cfg imports.PlannerConfig) (function.UploadHandler, error) {
	planner, err := imports.NewPlanner(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return Handler(planner), nil
}

// Handler plans the object that an event is about, if it is an upload.
func Handler(planner importing.Planner) function.UploadHandler {
	return func(ctx context.Context, o object.Object) error {
		if _, ok := importing.KindOf(o.Name); !ok {
			telemetry.Log(ctx, slog.LevelInfo, "left alone: no upload by its name", slog.String("object", o.URL()))
			return nil
		}
		telemetry.Annotate(ctx, "import_id", importing.ID(o.Bucket, o.Name, o.Generation))
		return planner.Plan(ctx, imports.File(o))
	}
}

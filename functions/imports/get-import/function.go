// Package getimport answers an import: how far an uploaded file is, and what became of it.
package getimport

import (
	"context"
	"net/http"

	"orderflow.dev/internal/api"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/store"
)

type config struct {
	Store   store.Config
	Reports string `env:"REPORTS_BUCKET, required"` // only named, never opened
}

// Imports are the team's and its partners', not every customer's.
func init() { function.API("get-import", http.MethodGet, wire, "imports.read") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	imports, err := store.ReadImports(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(importing.Reading{Imports: imports}, func(name string) string {
		return object.URL(cfg.Reports, name)
	}), nil
}

// Handler answers the import that the path names. url names an object of the reports bucket.
func Handler(reading importing.Reading, url func(name string) string) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		id := r.PathParam("id")
		telemetry.Annotate(ctx, "import_id", id)
		im, err := reading.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		return &function.Reply{Body: api.Import(im, url)}, nil
	}
}

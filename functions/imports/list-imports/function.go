// Package listimports answers a page of imports, newest first.
package listimports

import (
	"context"
	"net/http"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/internal/api"
	"orderflow.dev/internal/importing"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/store"
)

type config struct {
	Store   store.Config
	Reports string `env:"REPORTS_BUCKET, required"` // only named, never opened
}

// Imports are the team's and its partners', not every customer's.
func init() { function.API("list-imports", http.MethodGet, wire, "imports.read") }

func wire(ctx context.Context, cfg config) (function.APIHandler, error) {
	imports, err := store.ReadImports(ctx, cfg.Store)
	if err != nil {
		return nil, err
	}
	return Handler(importing.Reading{Imports: imports}, func(name string) string {
		return object.URL(cfg.Reports, name)
	}), nil
}

// Handler answers the page that the query names. url names an object of the reports bucket.
func Handler(reading importing.Reading, url func(name string) string) function.APIHandler {
	return func(ctx context.Context, r *function.Request) (*function.Reply, error) {
		size, err := r.PageSize()
		if err != nil {
			return nil, err
		}
		found, next, err := reading.List(ctx, size, r.URL.Query().Get("page_token"))
		if err != nil {
			return nil, err
		}
		page := &importingv1.ListImportsResponse{NextPageToken: next}
		for _, im := range found {
			page.Imports = append(page.Imports, api.Import(im, url))
		}
		return &function.Reply{Body: page}, nil
	}
}

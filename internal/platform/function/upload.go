package function

import (
	"context"
	"log/slog"
	"net/http"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// UploadHandler takes an object that was created, or replaced, in a bucket. An error has its event delivered again, for a
// day; it must expect any event twice, late, and not at all.
type UploadHandler func(context.Context, object.Object) error

// Upload makes a function that Eventarc calls with the objects of a bucket.
func Upload[C any](name string, wire func(context.Context, C) (UploadHandler, error)) {
	register(name, func(ctx context.Context, cfg C) (http.Handler, error) {
		handle, err := wire(ctx, cfg)
		return ServeUpload(name, handle), err
	})
}

// ServeUpload serves a function that Eventarc calls with the objects of a bucket. What is no such event is acknowledged:
// a trigger has no dead letters, and would deliver it for a day.
func ServeUpload(name string, handle UploadHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := run(name, r, traceOf(r), func(ctx context.Context) error {
			o, err := object.Finalized(r)
			if fault.Permanent(err) {
				telemetry.Log(ctx, slog.LevelError, name+" dropped what is no event of an object", slog.String("error", err.Error()))
				return nil
			}
			if err != nil {
				return err
			}
			telemetry.Annotate(ctx, "object", o.URL())
			return handle(ctx, o)
		})
		if err != nil {
			http.Error(w, problem.CodeName(fault.Code(err)), http.StatusInternalServerError) // not 2xx: delivered again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

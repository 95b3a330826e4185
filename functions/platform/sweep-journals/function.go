// Package sweepjournals publishes the events that a crash or a failed publish kept back, in every database with journals.
package sweepjournals

import (
	"context"
	"errors"
	"time"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/function"
	"orderflow.dev/internal/store"
)

type config struct {
	Store store.Config
	Grace time.Duration `env:"JOURNAL_GRACE, default=1m"` // a writer at work publishes its events itself
}

// journaled are the databases with journals; each is named as its one collection.
var journaled = []string{"orders", "payments"}

func init() { function.Schedule("sweep-journals", wire) }

func wire(ctx context.Context, cfg config) (func(context.Context) (function.Summary, error), error) {
	publisher, err := event.NewPublisher(ctx, cfg.Store.Project)
	if err != nil {
		return nil, err
	}
	databases := map[string]store.Database{}
	for _, name := range journaled {
		if databases[name], err = store.Open(ctx, cfg.Store.Project, name); err != nil {
			return nil, err
		}
	}
	return Handler(databases, publisher, time.Now, cfg.Grace), nil
}

// Handler sweeps the databases, which it takes by their names, and says how many journals it found in each, and how old the
// oldest event is that it could not publish.
func Handler(databases map[string]store.Database, publisher store.Publisher, now func() time.Time, grace time.Duration) func(context.Context) (function.Summary, error) {
	return func(ctx context.Context) (function.Summary, error) {
		summary := function.Summary{}
		var (
			failed []error
			oldest time.Duration
		)
		for _, name := range journaled {
			swept, err := store.Sweep(ctx, databases[name], publisher, name, now(), grace)
			summary["swept_"+name] = swept.Found
			oldest = max(oldest, swept.Unpublished)
			failed = append(failed, err)
		}
		summary["unpublished_s"] = int(oldest.Seconds())
		return summary, errors.Join(failed...)
	}
}

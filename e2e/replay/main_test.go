// Package replay publishes what a stack archived again, by the command as people run it, and sees what that changes.
package replay

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"orderflow.dev"
	"orderflow.dev/e2e"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/store"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/pubsub/filter"
	"orderflow.dev/local/stack"
)

var (
	local   *stack.Stack
	look    *stack.Inspector
	units   []unit.Unit
	program string // orderflow
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e/replay:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "orderflow-replay-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "orderflow")
	if out, err := exec.Command("go", "build", "-o", program, "orderflow.dev/cmd/orderflow").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build orderflow: %w\n%s", err, out)
	}
	os.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache")) // the command finds this stack, and no other command does
	ctx := context.Background()
	local, err = stack.Start(ctx, stack.Options{
		Register: true, Dir: filepath.Join(dir, "state"), SweepEvery: time.Second, OrderExpiry: 20 * time.Second,
		SagaPatience: 40 * time.Second, JournalGrace: 40 * time.Second, ProviderTimeout: time.Second,
	})
	if err != nil {
		return 0, err
	}
	defer local.Stop()
	if look, err = stack.Inspect(ctx, local.Endpoints); err != nil {
		return 0, err
	}
	if units, err = unit.Load(orderflow.Tree); err != nil {
		return 0, err
	}
	if err := e2e.LoadCatalogue(ctx, local.Endpoints, e2e.Catalogue, nil); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// archived are all events that were published so far, each once.
func archived(ctx context.Context) ([]archive.Event, error) {
	if err := local.Archive(ctx); err != nil {
		return nil, err
	}
	return e2e.Archived(ctx)
}

// deliveries are how many a replay of events causes: one of each event to each function that subscribes to it.
func deliveries(t *testing.T, events []archive.Event) (n int) {
	t.Helper()
	for _, u := range units {
		for _, sub := range u.Trigger.Events {
			wants, err := filter.Parse(sub.Filter)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Type() == sub.Topic() && wants(e.Message.Attributes) {
					n++
				}
			}
		}
	}
	return n
}

// collections are all documents that there are, by database.
var collections = map[string][]string{
	"orders": {"orders"}, "payments": {"payments"}, "inventory": {"reservations", "stock"}, "imports": {"imports", "chunks"},
	"notifications": {"notifications"}, "platform": {"dead_letters"},
}

// everything is all documents and when they were written, all money that moved, and all messages that were sent.
func everything(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for name, parts := range collections {
		db, err := store.Open(ctx, stack.Project, name)
		if err != nil {
			return nil, err
		}
		for _, c := range parts {
			err := store.ScanDocuments(ctx, db, c, func(d store.Document) {
				out[name+"/"+d.Path] = fmt.Sprint(d.UpdateTime.UnixNano(), d.Fields)
			})
			if err != nil {
				return nil, err
			}
		}
		db.Close()
	}
	moved, err := look.Movements(ctx)
	for i, m := range moved {
		out[fmt.Sprintf("ledger/%d", i+1)] = fmt.Sprint(m)
	}
	return out, err
}

// forget removes the records of all notifications, and says how many there were: as if their function had lost them.
func forget(ctx context.Context) (int, error) {
	client, err := firestore.NewClientWithDatabase(ctx, stack.Project, "notifications")
	if err != nil {
		return 0, err
	}
	defer client.Close()
	all, err := client.Collection("notifications").Documents(ctx).GetAll()
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		if _, err := d.Ref.Delete(ctx); err != nil {
			return 0, err
		}
	}
	return len(all), nil
}

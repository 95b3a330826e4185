package stack

import (
	"context"
	"os"
	"time"

	"orderflow.dev/internal/catchup"
	"orderflow.dev/internal/client"
	"orderflow.dev/internal/repair"
)

// Repairing repairs this stack through its own parts.
func (in *Inspector) Repairing(ctx context.Context) (repair.Repairing, error) {
	os.Setenv("WORKFLOWS_EMULATOR_HOST", in.endpoints.Workflows)
	return client.NewRepairing(ctx, client.Site{
		Project: Project, Location: Location, PaymentURL: in.endpoints.Payment, InventoryURL: in.endpoints.Inventory,
	})
}

// CatchUp brings this stack's orders up to the events archived since a time, or says how it would; see catchup.Run.
func (in *Inspector) CatchUp(ctx context.Context, since time.Time, dryRun bool) ([]catchup.Outcome, int, error) {
	return catchup.Run(ctx, catchup.Options{Project: Project, Since: since, DryRun: dryRun})
}

package stack

import (
	"context"
	"os"

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

// CatchUp brings this stack's orders up to its archive, or says how it would; see catchup.Run.
func (in *Inspector) CatchUp(ctx context.Context, o catchup.Options) ([]catchup.Outcome, int, error) {
	o.Project = Project
	return catchup.Run(ctx, o)
}

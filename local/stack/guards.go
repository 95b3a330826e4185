package stack

import (
	"context"
	"log/slog"

	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/iam"
)

// openGuards has guards come between units' processes and everything that they reach: they may do there what their files
// declare, and no more, as in production.
func (s *Stack) openGuards(which func(unit.Unit) bool) (err error) {
	for _, u := range s.units {
		if !which(u) {
			continue
		}
		s.guards[u.Name], err = iam.Open(iam.Options{
			Unit: u, Units: s.units, Project: Project, OnDenial: logDenial, Between: s.between(),
			Firestore: s.Firestore, PubSub: s.PubSub, Workflows: s.Workflows, Storage: s.Storage, Services: s.urls,
		})
		if err != nil {
			return err
		}
		s.onStop(s.guards[u.Name].Close)
	}
	return nil
}

func logDenial(d iam.Denial) {
	telemetry.Log(context.Background(), slog.LevelError, "permission denied",
		slog.String("function", d.Unit), slog.String("error", d.String()))
}

// Used is what a unit in a process of its own has used so far of what its file grants it, each once.
func (s *Stack) Used(unit string) []iam.Grant {
	if g := s.guards[unit]; g != nil {
		return g.Used()
	}
	return nil
}

// Denied is what units in processes of their own were refused so far, since their files do not grant it.
func (s *Stack) Denied() (denied []iam.Denial) {
	for _, g := range s.guards {
		denied = append(denied, g.Denied()...)
	}
	return denied
}

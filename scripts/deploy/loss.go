package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// holdsData are the resources whose destruction loses what no release brings back. A subscription holds the messages that
// are on their way: another filter replaces it.
var holdsData = []string{
	"google_firestore_database",
	"google_storage_bucket",
	"google_pubsub_topic",
	"google_pubsub_subscription",
	"google_secret_manager_secret",
}

// refuseLoss reads a plan (terraform show -json) and refuses it if it destroys or replaces what holds data and was not
// named. The error names each, and the flag that allows it.
func refuseLoss(plan []byte, allowed []string) error {
	var p struct {
		Changes []struct {
			Address, Type string
			Change        struct{ Actions []string }
		} `json:"resource_changes"`
		Format string `json:"format_version"`
	}
	if err := json.Unmarshal(plan, &p); err != nil {
		return fmt.Errorf("read the plan: %w", err)
	}
	if p.Format == "" {
		return errors.New("read the plan: this is not what terraform show -json prints")
	}
	var lost []error
	for _, c := range p.Changes {
		if slices.Contains(c.Change.Actions, "delete") && slices.Contains(holdsData, c.Type) && !slices.Contains(allowed, c.Address) {
			verb := "destroys"
			if slices.Contains(c.Change.Actions, "create") {
				verb = "replaces"
			}
			lost = append(lost, fmt.Errorf("the plan %s %s, with all data in it; if that is meant: --allow-destroy '%[2]s'", verb, c.Address))
		}
	}
	return errors.Join(lost...)
}

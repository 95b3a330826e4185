package main

import (
	"strings"
	"testing"
)

func TestAPlanThatLosesDataIsRefused(t *testing.T) {
	plan := []byte(read(t, "plan-loss.json"))
	err := refuseLoss(plan, nil)
	if err == nil {
		t.Fatal("it was let through")
	}
	want := []string{
		"the plan destroys google_firestore_database.orders,",
		`the plan replaces module.unit["place-order"].google_pubsub_subscription.this["OrderCreated"],`,
		"the plan replaces google_storage_bucket.uploads,",
	}
	got := strings.Split(err.Error(), "\n")
	if len(got) != len(want) {
		t.Fatalf("got\n%v", err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	allowed := []string{"google_firestore_database.orders", `module.unit["place-order"].google_pubsub_subscription.this["OrderCreated"]`, "google_storage_bucket.uploads"}
	if err := refuseLoss(plan, allowed); err != nil {
		t.Errorf("each was allowed by name: %v", err)
	}
	if err := refuseLoss(plan, allowed[:2]); err == nil {
		t.Error("one was not allowed")
	}
}

func TestWhatIsNoPlanIsRefused(t *testing.T) {
	for _, text := range []string{"", "{}", "Plan: 1 to add", `{"resource_changes": []}`} {
		if err := refuseLoss([]byte(text), nil); err == nil {
			t.Errorf("%q was let through", text)
		}
	}
}

package eventarc_test

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"orderflow.dev/local/eventarc"
)

func TestSetupIsIdempotentAndUpdates(t *testing.T) {
	t.Parallel()
	client := connect(t)
	sub := eventarc.Subscription{
		ID: "setup-sub", Topic: "setup-topic", Filter: `attributes:"a"`, AckDeadline: 20 * time.Second,
		MinBackoff: time.Second, MaxBackoff: 10 * time.Second, DeadLetterTopic: "setup-dead", MaxAttempts: 7,
	}
	setup := func() error {
		return eventarc.Setup(t.Context(), client, project, []eventarc.Topic{{ID: "setup-topic"}, {ID: "setup-other"}}, []eventarc.Subscription{sub})
	}
	for range 2 {
		if err := setup(); err != nil {
			t.Fatal(err)
		}
	}
	sub.AckDeadline, sub.MaxAttempts = 30*time.Second, 9
	if err := setup(); err != nil {
		t.Fatal(err)
	}
	got, err := client.SubscriptionAdminClient.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{
		Subscription: "projects/test-project/subscriptions/setup-sub",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &pubsubpb.Subscription{
		Name: "projects/test-project/subscriptions/setup-sub", Topic: "projects/test-project/topics/setup-topic",
		Filter: `attributes:"a"`, AckDeadlineSeconds: 30,
		RetryPolicy: &pubsubpb.RetryPolicy{
			MinimumBackoff: durationpb.New(time.Second), MaximumBackoff: durationpb.New(10 * time.Second),
		},
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{
			DeadLetterTopic: "projects/test-project/topics/setup-dead", MaxDeliveryAttempts: 9,
		},
	}
	ignore := protocmp.IgnoreFields(&pubsubpb.Subscription{},
		"state", "push_config", "message_retention_duration", "expiration_policy")
	if diff := cmp.Diff(want, got, protocmp.Transform(), ignore); diff != "" {
		t.Errorf("subscription (-want +got):\n%s", diff)
	}
	sub.Filter = `attributes:"b"`
	if err := setup(); err == nil || !strings.Contains(err.Error(), "cannot be changed") {
		t.Errorf("another filter: %v", err)
	}
}

func TestSetupNamesEveryMistake(t *testing.T) {
	t.Parallel()
	tests := map[string]eventarc.Subscription{
		`subscription "": ID and Topic`:         {Topic: "t"},
		`subscription "f": filter "data"`:       {ID: "f", Topic: "t", Filter: "data"},
		`subscription "m": MaxAttempts without`: {ID: "m", Topic: "t", MaxAttempts: 5},
		`subscription "c": negative`:            {ID: "c", Topic: "t", Concurrency: -1},
	}
	var subs []eventarc.Subscription
	for _, s := range tests {
		subs = append(subs, s)
	}
	err := eventarc.Setup(t.Context(), nil, project, nil, subs)
	if err == nil {
		t.Fatal("accepted")
	}
	for want := range tests {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
	if run := eventarc.Run(t.Context(), nil, subs, eventarc.Options{}); run == nil || run.Error() != err.Error() {
		t.Errorf("Run = %v", run)
	}
}

package eventarc

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// setupLimit is how many administrative calls are under way at once.
const setupLimit = 16

// Setup creates the topics, including those that only the subscriptions name, and
// the subscriptions. What exists is kept; a subscription is brought up to date. A
// filter cannot be changed, so a subscription with another one is an error.
func Setup(ctx context.Context, client *pubsub.Client, project string, topics []Topic, subs []Subscription) error {
	if err := validate(subs); err != nil {
		return err
	}
	if err := SetupTopics(ctx, client, project, allTopics(topics, subs)); err != nil {
		return err
	}
	return each(ctx, subs, func(ctx context.Context, s Subscription) error {
		return ensureSubscription(ctx, client, s.proto(project))
	})
}

// validate reports everything that is wrong, not only the first.
func validate(subs []Subscription) error {
	var errs []error
	for _, s := range subs {
		errs = append(errs, s.validate())
	}
	return errors.Join(errs...)
}

func allTopics(topics []Topic, subs []Subscription) []Topic {
	seen := map[string]bool{"": true}
	var all []Topic
	add := func(t Topic) {
		if !seen[t.ID] {
			seen[t.ID] = true
			all = append(all, t)
		}
	}
	for _, t := range topics {
		add(t)
	}
	for _, s := range subs {
		add(Topic{ID: s.Topic})
		add(Topic{ID: s.DeadLetterTopic})
	}
	return all
}

func each[T any](ctx context.Context, items []T, do func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(setupLimit)
	for _, item := range items {
		group.Go(func() error { return do(ctx, item) })
	}
	return group.Wait()
}

func ensureSubscription(ctx context.Context, client *pubsub.Client, want *pubsubpb.Subscription) error {
	_, err := client.SubscriptionAdminClient.CreateSubscription(ctx, want)
	if status.Code(err) == codes.AlreadyExists {
		err = update(ctx, client, want)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", want.Name, err)
	}
	return nil
}

func update(ctx context.Context, client *pubsub.Client, want *pubsubpb.Subscription) error {
	admin := client.SubscriptionAdminClient
	have, err := admin.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: want.Name})
	if err != nil {
		return err
	}
	if have.Topic != want.Topic || have.Filter != want.Filter {
		return fmt.Errorf("exists with topic %s and filter %q, which cannot be changed; delete it", have.Topic, have.Filter)
	}
	_, err = admin.UpdateSubscription(ctx, &pubsubpb.UpdateSubscriptionRequest{
		Subscription: want,
		UpdateMask: &fieldmaskpb.FieldMask{
			Paths: []string{"ack_deadline_seconds", "retry_policy", "dead_letter_policy"},
		},
	})
	return err
}

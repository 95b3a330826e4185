package eventarc

import (
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/types/known/durationpb"

	"orderflow.dev/local/pubsub/filter"
)

const (
	defaultAckDeadline = 10 * time.Second // Pub/Sub's own default
	minAckDeadline     = 10 * time.Second // the least Pub/Sub accepts
	defaultMaxAttempts = 5
	defaultConcurrency = 32
)

// Subscription is one trigger: a topic, a filter, and the function that gets the
// messages.
type Subscription struct {
	// ID and Topic are short names, without the project.
	ID, Topic string
	// Endpoint is the function's URL.
	Endpoint string
	// Filter is in Pub/Sub's filter language; empty delivers everything.
	Filter string
	// AckDeadline is how long one delivery may take; 10 s if zero. The server
	// is told at least 10 s, because it accepts no less.
	AckDeadline time.Duration
	// MinBackoff and MaxBackoff bound the pause before a redelivery. If both are
	// zero the server redelivers at once.
	MinBackoff, MaxBackoff time.Duration
	// DeadLetterTopic gets messages that failed MaxAttempts times (5 if zero);
	// empty: they are redelivered until they expire.
	DeadLetterTopic string
	MaxAttempts     int
	// Concurrency is how many deliveries are under way at most; 32 if zero.
	Concurrency int
}

func (s Subscription) withDefaults() Subscription {
	if s.AckDeadline == 0 {
		s.AckDeadline = defaultAckDeadline
	}
	if s.DeadLetterTopic != "" && s.MaxAttempts == 0 {
		s.MaxAttempts = defaultMaxAttempts
	}
	if s.Concurrency == 0 {
		s.Concurrency = defaultConcurrency
	}
	return s
}

// validate finds what no server would refuse by name.
func (s Subscription) validate() error {
	var err error
	switch {
	case s.ID == "" || s.Topic == "":
		err = errors.New("ID and Topic are required")
	case s.MaxAttempts != 0 && s.DeadLetterTopic == "":
		err = errors.New("MaxAttempts without DeadLetterTopic")
	case s.Concurrency < 0 || s.AckDeadline < 0:
		err = errors.New("negative Concurrency or AckDeadline")
	default:
		_, err = filter.Parse(s.Filter)
	}
	if err != nil {
		return fmt.Errorf("subscription %q: %w", s.ID, err)
	}
	return nil
}

// proto is the subscription as the server knows it.
func (s Subscription) proto(project string) *pubsubpb.Subscription {
	s = s.withDefaults()
	sub := &pubsubpb.Subscription{
		Name:               subscriptionName(project, s.ID),
		Topic:              topicName(project, s.Topic),
		Filter:             s.Filter,
		AckDeadlineSeconds: int32(max(s.AckDeadline, minAckDeadline) / time.Second),
		ExpirationPolicy:   &pubsubpb.ExpirationPolicy{}, // never
	}
	if s.MinBackoff != 0 || s.MaxBackoff != 0 {
		sub.RetryPolicy = &pubsubpb.RetryPolicy{
			MinimumBackoff: optional(s.MinBackoff), MaximumBackoff: optional(s.MaxBackoff),
		}
	}
	if s.DeadLetterTopic != "" {
		sub.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{
			DeadLetterTopic: topicName(project, s.DeadLetterTopic), MaxDeliveryAttempts: int32(s.MaxAttempts),
		}
	}
	return sub
}

// optional leaves a zero duration to the server's default.
func optional(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func topicName(project, id string) string { return "projects/" + project + "/topics/" + id }

func subscriptionName(project, id string) string {
	return "projects/" + project + "/subscriptions/" + id
}

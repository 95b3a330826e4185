package pubsub

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"orderflow.dev/local/pubsub/filter"
)

const (
	day         = 24 * time.Hour
	minAck      = 10 * time.Second
	maxAck      = 600 * time.Second
	maxBackoff  = 600 * time.Second
	minKept     = 10 * time.Minute
	maxKept     = 31 * day
	minAttempts = 5
	maxAttempts = 100
)

// settings are a subscription's configuration, ready for use.
type settings struct {
	filter              filter.Filter
	ackDeadline         time.Duration
	retention           time.Duration // of messages: the subscription's, or the topic's if that is longer
	ordered             bool
	retain              bool
	exactlyOnce         bool
	retries             *pubsubpb.RetryPolicy
	maxAttempts         int32 // 0: no dead-letter policy
	deadLetterTopicName string
}

// newSubscriptionConfig is what is configured: defaults are filled in, and what only the server may set is taken out.
func newSubscriptionConfig(given *pubsubpb.Subscription) *pubsubpb.Subscription {
	c := proto.CloneOf(given)
	c.State, c.TopicMessageRetentionDuration, c.AnalyticsHubSubscriptionInfo = pubsubpb.Subscription_ACTIVE, nil, nil
	c.Detached = false
	setDefaults(c)
	return c
}

func setDefaults(c *pubsubpb.Subscription) {
	if c.PushConfig == nil {
		c.PushConfig = &pubsubpb.PushConfig{}
	}
	if c.AckDeadlineSeconds == 0 {
		c.AckDeadlineSeconds = int32(minAck.Seconds())
	}
	if c.MessageRetentionDuration == nil {
		c.MessageRetentionDuration = durationpb.New(7 * day)
	}
	if c.ExpirationPolicy == nil {
		c.ExpirationPolicy = &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(31 * day)}
	}
	if p := c.RetryPolicy; p != nil {
		p.MinimumBackoff, p.MaximumBackoff = orElse(p.MinimumBackoff, 10*time.Second), orElse(p.MaximumBackoff, maxBackoff)
	}
	if p := c.DeadLetterPolicy; p != nil && p.MaxDeliveryAttempts == 0 {
		p.MaxDeliveryAttempts = minAttempts
	}
}

func orElse(d *durationpb.Duration, other time.Duration) *durationpb.Duration {
	if d == nil {
		return durationpb.New(other)
	}
	return d
}

// compile checks a configuration. The errors are those of the API.
func compile(c *pubsubpb.Subscription) (settings, error) {
	f, err := filter.Parse(c.GetFilter())
	if err != nil {
		return settings{}, invalid("subscription %s: %v", c.GetName(), err)
	}
	s := settings{
		filter: f, ackDeadline: time.Duration(c.GetAckDeadlineSeconds()) * time.Second,
		retention: max(c.GetMessageRetentionDuration().AsDuration(), c.GetTopicMessageRetentionDuration().AsDuration()),
		ordered:   c.GetEnableMessageOrdering(), retain: c.GetRetainAckedMessages(),
		exactlyOnce: c.GetEnableExactlyOnceDelivery(), retries: c.GetRetryPolicy(),
		maxAttempts:         c.GetDeadLetterPolicy().GetMaxDeliveryAttempts(),
		deadLetterTopicName: c.GetDeadLetterPolicy().GetDeadLetterTopic(),
	}
	return s, s.check(c)
}

func (s settings) check(c *pubsubpb.Subscription) error {
	if err := supported(c); err != nil {
		return err
	}
	if s.ackDeadline < minAck || s.ackDeadline > maxAck {
		return invalid("ack_deadline_seconds is %d, want 10 to 600", c.GetAckDeadlineSeconds())
	}
	if err := checkRetention(c.GetMessageRetentionDuration()); err != nil {
		return err
	}
	if ttl := c.GetExpirationPolicy().GetTtl(); ttl != nil && (!ttl.IsValid() || ttl.AsDuration() < day) {
		return invalid("expiration_policy.ttl is %s, want a day at least, or none", ttl.AsDuration())
	}
	if err := checkLabels(c.GetLabels()); err != nil {
		return err
	}
	if err := s.checkRetries(); err != nil {
		return err
	}
	return s.checkDeadLetters(c.GetDeadLetterPolicy())
}

func (s settings) checkRetries() error {
	low, high := s.retries.GetMinimumBackoff(), s.retries.GetMaximumBackoff()
	for _, d := range []*durationpb.Duration{low, high} {
		if d != nil && (!d.IsValid() || d.AsDuration() < 0 || d.AsDuration() > maxBackoff) {
			return invalid("retry_policy has a backoff of %s, want 0 to 600 s", d.AsDuration())
		}
	}
	if low.AsDuration() > high.AsDuration() {
		return invalid("retry_policy.minimum_backoff is %s and maximum_backoff %s, which is less", low.AsDuration(),
			high.AsDuration())
	}
	return nil
}

func (s settings) checkDeadLetters(p *pubsubpb.DeadLetterPolicy) error {
	switch {
	case p == nil:
		return nil
	case s.maxAttempts < minAttempts || s.maxAttempts > maxAttempts:
		return status.Errorf(codes.OutOfRange, "dead_letter_policy.max_delivery_attempts is %d, want 5 to 100", s.maxAttempts)
	case s.deadLetterTopicName == deletedTopic:
		return nil
	}
	return checkName("topics", s.deadLetterTopicName)
}

// supported names what is asked for and not done here.
func supported(c *pubsubpb.Subscription) error {
	asked := map[string]bool{
		"push_config":          !proto.Equal(c.GetPushConfig(), &pubsubpb.PushConfig{}) && c.GetPushConfig() != nil,
		"bigquery_config":      c.GetBigqueryConfig() != nil,
		"cloud_storage_config": c.GetCloudStorageConfig() != nil,
		"bigtable_config":      c.GetBigtableConfig() != nil,
		"message_transforms":   len(c.GetMessageTransforms()) > 0,
		"tags":                 len(c.GetTags()) > 0,
	}
	return unsupported("a subscription", asked)
}

// backoff is how long a message rests after so many failures: not at all without a retry policy, else twice as long
// each time, between the policy's bounds.
func (s settings) backoff(failures int) time.Duration {
	if s.retries == nil {
		return 0
	}
	pause, most := s.retries.GetMinimumBackoff().AsDuration(), s.retries.GetMaximumBackoff().AsDuration()
	for ; failures > 1 && pause < most && pause > 0; failures-- {
		pause *= 2
	}
	return min(pause, most)
}

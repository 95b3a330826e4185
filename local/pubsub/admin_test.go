package pubsub

import (
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func TestNamesAreThoseOfTheAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	tests := map[string]codes.Code{
		topics + "abc": codes.OK, topics + "A-1_.~+%": codes.OK, topics + strings.Repeat("x", 255): codes.OK,
		topics + "Goog":                   codes.OK,
		topics + strings.Repeat("x", 256): codes.InvalidArgument, topics + "ab": codes.InvalidArgument,
		topics + "9abc": codes.InvalidArgument, topics + "googx": codes.InvalidArgument,
		topics + "a b c": codes.InvalidArgument,
		topics + "äbc":   codes.InvalidArgument, topics + "a/b": codes.InvalidArgument, topics: codes.InvalidArgument,
		"abc": codes.InvalidArgument, "": codes.InvalidArgument, subs + "abc": codes.InvalidArgument,
		"projects//topics/abc": codes.InvalidArgument, "x/p/topics/abc": codes.InvalidArgument,
	}
	for name, want := range tests {
		_, err := w.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name})
		wantCode(t, err, want)
		if want == codes.OK {
			want = codes.AlreadyExists
		}
		_, err = w.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: name})
		wantCode(t, err, want)
	}
}

func seconds(n int64) *durationpb.Duration { return &durationpb.Duration{Seconds: n} }

func TestSubscriptionsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("taken", "top")
	ack := func(n int32) *pubsubpb.Subscription { return &pubsubpb.Subscription{AckDeadlineSeconds: n} }
	retry := func(low, high *durationpb.Duration) *pubsubpb.Subscription {
		return &pubsubpb.Subscription{RetryPolicy: &pubsubpb.RetryPolicy{MinimumBackoff: low, MaximumBackoff: high}}
	}
	dead := func(topic string, n int32) *pubsubpb.Subscription {
		return &pubsubpb.Subscription{
			DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topic, MaxDeliveryAttempts: n},
		}
	}
	kept := func(d *durationpb.Duration) *pubsubpb.Subscription {
		return &pubsubpb.Subscription{MessageRetentionDuration: d}
	}
	ttl := func(d *durationpb.Duration) *pubsubpb.Subscription {
		return &pubsubpb.Subscription{ExpirationPolicy: &pubsubpb.ExpirationPolicy{Ttl: d}}
	}
	label := func(k, v string) *pubsubpb.Subscription {
		return &pubsubpb.Subscription{Labels: map[string]string{k: v}}
	}
	const month = 31 * 24 * 3600
	for _, tt := range []struct {
		name string
		sub  *pubsubpb.Subscription
		want codes.Code
	}{
		{"plain", &pubsubpb.Subscription{}, codes.OK},
		{"taken", &pubsubpb.Subscription{Name: subs + "taken"}, codes.AlreadyExists},
		{"taken, and no topic", &pubsubpb.Subscription{Name: subs + "taken", Topic: topics + "nope"}, codes.AlreadyExists},
		{"no topic", &pubsubpb.Subscription{Topic: topics + "nope"}, codes.NotFound},
		{"bad topic", &pubsubpb.Subscription{Topic: "nope"}, codes.InvalidArgument},
		{"bad name", &pubsubpb.Subscription{Name: subs + "9"}, codes.InvalidArgument},
		{"another project", &pubsubpb.Subscription{Name: "projects/q/subscriptions/sub"}, codes.OK},
		{"ack -1", ack(-1), codes.InvalidArgument}, {"ack 9", ack(9), codes.InvalidArgument}, {"ack 10", ack(10), codes.OK},
		{"ack 600", ack(600), codes.OK}, {"ack 601", ack(601), codes.InvalidArgument},
		{"retry default", retry(nil, nil), codes.OK}, {"retry 0", retry(seconds(0), seconds(0)), codes.OK},
		{"retry 600", retry(seconds(600), seconds(600)), codes.OK},
		{"retry 601", retry(nil, seconds(601)), codes.InvalidArgument},
		{"retry -1", retry(seconds(-1), nil), codes.InvalidArgument},
		{"retry backwards", retry(seconds(9), seconds(8)), codes.InvalidArgument},
		{"dead 0", dead(topics+"top", 0), codes.OK}, {"dead 4", dead(topics+"top", 4), codes.OutOfRange},
		{"dead 5", dead(topics+"top", 5), codes.OK}, {"dead 100", dead(topics+"top", 100), codes.OK},
		{"dead 101", dead(topics+"top", 101), codes.OutOfRange}, {"dead nowhere", dead(topics+"nope", 5), codes.NotFound},
		{"dead nameless", dead("", 5), codes.InvalidArgument},
		{"kept 599", kept(seconds(599)), codes.InvalidArgument}, {"kept 600", kept(seconds(600)), codes.OK},
		{"kept month", kept(seconds(month)), codes.OK}, {"kept longer", kept(seconds(month + 1)), codes.InvalidArgument},
		{"expires never", ttl(nil), codes.OK}, {"expires in a day", ttl(seconds(86400)), codes.OK},
		{"expires sooner", ttl(seconds(86399)), codes.InvalidArgument},
		{"label", label("a_b-1", "ä-1"), codes.OK}, {"label without a value", label("a", ""), codes.OK},
		{"label Upper", label("A", "b"), codes.InvalidArgument}, {"label 1", label("1", "b"), codes.InvalidArgument},
		{"label long", label("a", strings.Repeat("b", 64)), codes.InvalidArgument},
		{"filter", &pubsubpb.Subscription{Filter: "attributes:a"}, codes.OK},
		{"bad filter", &pubsubpb.Subscription{Filter: "data"}, codes.InvalidArgument},
		{"push", &pubsubpb.Subscription{PushConfig: &pubsubpb.PushConfig{PushEndpoint: "http://x"}}, codes.Unimplemented},
		{"no push", &pubsubpb.Subscription{PushConfig: &pubsubpb.PushConfig{}}, codes.OK},
		{"BigQuery", &pubsubpb.Subscription{BigqueryConfig: &pubsubpb.BigQueryConfig{}}, codes.Unimplemented},
		{"Storage", &pubsubpb.Subscription{CloudStorageConfig: &pubsubpb.CloudStorageConfig{}}, codes.Unimplemented},
		{"Bigtable", &pubsubpb.Subscription{BigtableConfig: &pubsubpb.BigtableConfig{}}, codes.Unimplemented},
		{"transform", &pubsubpb.Subscription{MessageTransforms: []*pubsubpb.MessageTransform{{}}}, codes.Unimplemented},
		{"tags", &pubsubpb.Subscription{Tags: map[string]string{"a": "b"}}, codes.Unimplemented},
	} {
		if tt.sub.Name == "" {
			tt.sub.Name = subs + "sub-" + strings.NewReplacer(" ", "-", ",", "").Replace(tt.name)
		}
		if tt.sub.Topic == "" {
			tt.sub.Topic = topics + "top"
		}
		if _, err := w.sub.CreateSubscription(t.Context(), tt.sub); status.Code(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestANewSubscriptionHasTheDefaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top", func(c *pubsubpb.Topic) { c.MessageRetentionDuration = seconds(3600) })
	given := &pubsubpb.Subscription{
		Name: subs + "sub", Topic: topics + "top", RetryPolicy: &pubsubpb.RetryPolicy{},
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + "top"},
		Detached:         true, State: pubsubpb.Subscription_RESOURCE_ERROR, TopicMessageRetentionDuration: seconds(1),
	}
	created, err := w.sub.CreateSubscription(t.Context(), given)
	w.must(err)
	want := &pubsubpb.Subscription{
		Name: subs + "sub", Topic: topics + "top", PushConfig: &pubsubpb.PushConfig{}, AckDeadlineSeconds: 10,
		MessageRetentionDuration: seconds(7 * 86400), TopicMessageRetentionDuration: seconds(3600),
		ExpirationPolicy: &pubsubpb.ExpirationPolicy{Ttl: seconds(31 * 86400)},
		RetryPolicy:      &pubsubpb.RetryPolicy{MinimumBackoff: seconds(10), MaximumBackoff: seconds(600)},
		DeadLetterPolicy: &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + "top", MaxDeliveryAttempts: 5},
		State:            pubsubpb.Subscription_ACTIVE,
	}
	if diff := cmp.Diff(want, created, protocmp.Transform()); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	got, err := w.sub.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subs + "sub"})
	w.must(err)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("got (-want +got):\n%s", diff)
	}
	unnamed, err := w.sub.CreateSubscription(t.Context(), &pubsubpb.Subscription{Topic: topics + "top"})
	w.must(err)
	if err := checkName("subscriptions", unnamed.GetName()); err != nil || !strings.HasPrefix(unnamed.GetName(), subs) {
		t.Errorf("it is named %q: %v", unnamed.GetName(), err)
	}
}

func TestTopicsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	kept := func(n int64) *pubsubpb.Topic { return &pubsubpb.Topic{MessageRetentionDuration: seconds(n)} }
	validated := func(schema string, e pubsubpb.Encoding) *pubsubpb.Topic {
		return &pubsubpb.Topic{SchemaSettings: &pubsubpb.SchemaSettings{Schema: schema, Encoding: e}}
	}
	for _, tt := range []struct {
		topic *pubsubpb.Topic
		want  codes.Code
	}{
		{kept(599), codes.InvalidArgument}, {kept(600), codes.OK}, {kept(31 * 86400), codes.OK},
		{kept(31*86400 + 1), codes.InvalidArgument},
		{&pubsubpb.Topic{Labels: map[string]string{"A": ""}}, codes.InvalidArgument},
		{validated(inProject+"/schemas/nope", pubsubpb.Encoding_JSON), codes.NotFound},
		{validated("nope", pubsubpb.Encoding_JSON), codes.InvalidArgument},
		{validated(inProject+"/schemas/nope", pubsubpb.Encoding_ENCODING_UNSPECIFIED), codes.InvalidArgument},
		{&pubsubpb.Topic{KmsKeyName: "k"}, codes.Unimplemented},
		{&pubsubpb.Topic{MessageStoragePolicy: &pubsubpb.MessageStoragePolicy{}}, codes.Unimplemented},
		{&pubsubpb.Topic{IngestionDataSourceSettings: &pubsubpb.IngestionDataSourceSettings{}}, codes.Unimplemented},
		{&pubsubpb.Topic{MessageTransforms: []*pubsubpb.MessageTransform{{}}}, codes.Unimplemented},
		{&pubsubpb.Topic{Tags: map[string]string{"a": "b"}}, codes.Unimplemented},
	} {
		tt.topic.Name = topics + "topic"
		_, err := w.pub.CreateTopic(t.Context(), tt.topic)
		wantCode(t, err, tt.want)
		if tt.want == codes.OK {
			_, err := w.pub.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: tt.topic.GetName()})
			w.must(err)
		}
	}
}

func TestUpdatesChangeTheFieldsOfTheMaskOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("sub", "top")
	before, err := w.sub.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subs + "sub"})
	w.must(err)
	update := func(change *pubsubpb.Subscription, paths ...string) (*pubsubpb.Subscription, error) {
		change.Name = subs + "sub"
		return w.sub.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
			Subscription: change, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths},
		})
	}
	change := &pubsubpb.Subscription{
		AckDeadlineSeconds: 20, Labels: map[string]string{"a": "b"}, RetainAckedMessages: true, Filter: "attributes:a",
		RetryPolicy: &pubsubpb.RetryPolicy{MinimumBackoff: seconds(1)},
	}
	for _, paths := range [][]string{nil, {"name"}, {"topic"}, {"filter"}, {"enable_message_ordering"}, {"detached"},
		{"state"}, {"nope"},
		{"labels", "nope"}, {"labels.a"}, {"retry_policy.nope"}, {"ack_deadline_seconds.x"}, {"ackDeadlineSeconds"}} {
		_, err := update(proto.CloneOf(change), paths...)
		wantCode(t, err, codes.InvalidArgument)
	}
	_, err = update(&pubsubpb.Subscription{AckDeadlineSeconds: 9}, "ack_deadline_seconds")
	wantCode(t, err, codes.InvalidArgument)
	_, err = update(&pubsubpb.Subscription{PushConfig: &pubsubpb.PushConfig{PushEndpoint: "http://x"}}, "push_config")
	wantCode(t, err, codes.Unimplemented)
	want := proto.CloneOf(before)
	want.AckDeadlineSeconds = 20
	want.RetryPolicy = &pubsubpb.RetryPolicy{MinimumBackoff: seconds(1), MaximumBackoff: seconds(600)}
	got, err := update(proto.CloneOf(change), "ack_deadline_seconds", "retry_policy.minimum_backoff")
	w.must(err)
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	if got, err = update(&pubsubpb.Subscription{}, "ack_deadline_seconds", "retry_policy"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, got, protocmp.Transform()); diff != "" {
		t.Errorf("back to the defaults (-want +got):\n%s", diff)
	}
	_, err = w.sub.UpdateSubscription(t.Context(), &pubsubpb.UpdateSubscriptionRequest{
		Subscription: &pubsubpb.Subscription{Name: subs + "nope"}, UpdateMask: &fieldmaskpb.FieldMask{
			Paths: []string{"labels"},
		},
	})
	wantCode(t, err, codes.NotFound)
}

func TestATopicsRetentionReachesItsSubscriptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("sub", "top")
	set := func(d *durationpb.Duration) *durationpb.Duration {
		topic, err := w.pub.UpdateTopic(t.Context(), &pubsubpb.UpdateTopicRequest{
			Topic:      &pubsubpb.Topic{Name: topics + "top", MessageRetentionDuration: d, Labels: map[string]string{"a": "b"}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"message_retention_duration"}},
		})
		w.must(err)
		if len(topic.GetLabels()) > 0 {
			t.Error("labels were changed, too")
		}
		sub, err := w.sub.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: subs + "sub"})
		w.must(err)
		return sub.GetTopicMessageRetentionDuration()
	}
	if got := set(seconds(3600)); got.GetSeconds() != 3600 {
		t.Errorf("retention %v", got)
	}
	if got := set(nil); got != nil {
		t.Errorf("retention %v", got)
	}
}

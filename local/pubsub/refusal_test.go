package pubsub

import (
	"context"
	"maps"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestListsArePagedAndSorted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	ids := []string{"ccc", "aaa", "bbb", "ddd"}
	for _, id := range ids {
		w.topic(id)
	}
	for _, id := range ids {
		w.subscription(id, "aaa")
	}
	_, err := w.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: "projects/pp/topics/aaa"})
	w.must(err)
	list := func(size int32, token string) ([]string, string) {
		resp, err := w.pub.ListTopics(t.Context(), &pubsubpb.ListTopicsRequest{
			Project: inProject, PageSize: size, PageToken: token,
		})
		w.must(err)
		var ids []string
		for _, topic := range resp.GetTopics() {
			ids = append(ids, strings.TrimPrefix(topic.GetName(), topics))
		}
		return ids, resp.GetNextPageToken()
	}
	first, token := list(3, "")
	w.topic("aab") // is before the next page
	second, end := list(3, token)
	all, none := list(0, "")
	got := [][]string{first, second, all, {end, none}}
	want := [][]string{{"aaa", "bbb", "ccc"}, {"ddd"}, {"aaa", "aab", "bbb", "ccc", "ddd"}, {"", ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	attached, err := w.pub.ListTopicSubscriptions(t.Context(), &pubsubpb.ListTopicSubscriptionsRequest{
		Topic: topics + "aaa", PageSize: 2,
	})
	w.must(err)
	if diff := cmp.Diff([]string{subs + "aaa", subs + "bbb"}, attached.GetSubscriptions()); diff != "" {
		t.Error(diff)
	}
	for _, req := range []*pubsubpb.ListTopicsRequest{
		{Project: "p"}, {Project: inProject, PageSize: -1}, {Project: inProject, PageToken: "x!"},
	} {
		_, err := w.pub.ListTopics(t.Context(), req)
		wantCode(t, err, codes.InvalidArgument)
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	now := timestamppb.New(time.Now())
	calls := map[string]func(ctx context.Context, name string) error{
		"GetTopic": func(ctx context.Context, n string) error {
			_, err := w.pub.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: topics + n})
			return err
		},
		"DeleteTopic": func(ctx context.Context, n string) error {
			_, err := w.pub.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topics + n})
			return err
		},
		"Publish": func(ctx context.Context, n string) error {
			_, err := w.pub.Publish(ctx, &pubsubpb.PublishRequest{Topic: topics + n})
			return err
		},
		"ListTopicSubscriptions": func(ctx context.Context, n string) error {
			_, err := w.pub.ListTopicSubscriptions(ctx, &pubsubpb.ListTopicSubscriptionsRequest{Topic: topics + n})
			return err
		},
		"DetachSubscription": func(ctx context.Context, n string) error {
			_, err := w.pub.DetachSubscription(ctx, &pubsubpb.DetachSubscriptionRequest{Subscription: subs + n})
			return err
		},
		"GetSubscription": func(ctx context.Context, n string) error {
			_, err := w.sub.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: subs + n})
			return err
		},
		"DeleteSubscription": func(ctx context.Context, n string) error {
			_, err := w.sub.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: subs + n})
			return err
		},
		"Pull": func(ctx context.Context, n string) error {
			_, err := w.sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: subs + n, MaxMessages: 1})
			return err
		},
		"Acknowledge": func(ctx context.Context, n string) error {
			_, err := w.sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: subs + n})
			return err
		},
		"ModifyAckDeadline": func(ctx context.Context, n string) error {
			_, err := w.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: subs + n})
			return err
		},
		"Seek": func(ctx context.Context, n string) error {
			_, err := w.sub.Seek(ctx, &pubsubpb.SeekRequest{
				Subscription: subs + n, Target: &pubsubpb.SeekRequest_Time{Time: now},
			})
			return err
		},
	}
	for name, call := range maps.All(calls) {
		if err := call(t.Context(), "nope"); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", name, err)
		}
		if err := call(t.Context(), "9"); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s of a bad name: %v", name, err)
		}
	}
}

func TestRequestsWithAckIDsAreChecked(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		w.subscription("two", "top")
		w.publish("top", "a")
		good, others := w.expect("sub", "a").ackIDs(), w.expect("two", "a").ackIDs()
		var many []string
		for range 20000 {
			many = append(many, good...)
		}
		for name, ids := range map[string][]string{
			"none": nil, "empty": {""}, "garbage": {"x"}, "parts": {"x.y.z"}, "of another": others, "one bad": {good[0], "x"},
			"too many":  many,
			"no number": {"!." + good[0]}, "cut off": {good[0][:len(good[0])-1]},
		} {
			_, err := w.sub.Acknowledge(t.Context(), &pubsubpb.AcknowledgeRequest{Subscription: subs + "sub", AckIds: ids})
			wantCode(t, err, codes.InvalidArgument)
			_, err = w.sub.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{
				Subscription: subs + "sub", AckIds: ids,
			})
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, seconds := range []int32{-1, 601} {
			_, err := w.sub.ModifyAckDeadline(t.Context(), &pubsubpb.ModifyAckDeadlineRequest{
				Subscription: subs + "sub", AckIds: good, AckDeadlineSeconds: seconds,
			})
			wantCode(t, err, codes.InvalidArgument)
		}
		pass(10*time.Second - 1)
		w.expect("sub") // nothing of this did anything
		pass(1)
		w.expect("sub", "a")
	})
}

func TestASeekNeedsATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("sub", "top")
	for want, req := range map[codes.Code]*pubsubpb.SeekRequest{
		codes.InvalidArgument: {},
		codes.Unimplemented:   {Target: &pubsubpb.SeekRequest_Snapshot{Snapshot: inProject + "/snapshots/snap"}},
	} {
		req.Subscription = subs + "sub"
		_, err := w.sub.Seek(t.Context(), req)
		wantCode(t, err, want)
	}
}

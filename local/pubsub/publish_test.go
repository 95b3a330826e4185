package pubsub

import (
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestLimitsOfPublishing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top")
	x := strings.Repeat
	attributes := func(n int) map[string]string {
		all := map[string]string{}
		for _, k := range numbers(n) {
			all[k] = ""
		}
		return all
	}
	one := func(m *pubsubpb.PubsubMessage) []*pubsubpb.PubsubMessage { return []*pubsubpb.PubsubMessage{m} }
	attribute := func(k, v string) []*pubsubpb.PubsubMessage {
		return one(&pubsubpb.PubsubMessage{Attributes: map[string]string{k: v}})
	}
	data := func(n int) []*pubsubpb.PubsubMessage { return one(&pubsubpb.PubsubMessage{Data: make([]byte, n)}) }
	many := func(n, size int) (all []*pubsubpb.PubsubMessage) {
		for range n {
			all = append(all, data(size)...)
		}
		return all
	}
	for name, tt := range map[string]struct {
		messages []*pubsubpb.PubsubMessage
		want     codes.Code
	}{
		"none": {nil, codes.InvalidArgument}, "empty": {data(0), codes.InvalidArgument},
		"key only":  {one(&pubsubpb.PubsubMessage{OrderingKey: "k"}), codes.InvalidArgument},
		"one empty": {append(data(1), data(0)...), codes.InvalidArgument},
		"attribute": {attribute("a", ""), codes.OK}, "nameless": {attribute("", "a"), codes.InvalidArgument},
		"goog": {attribute("goog", "a"), codes.InvalidArgument}, "goo": {attribute("goo", "a"), codes.OK},
		"googclient":     {attribute("googclient_traceparent", "a"), codes.OK},
		"long name":      {attribute(x("k", 256), "a"), codes.OK},
		"longer name":    {attribute(x("k", 257), "a"), codes.InvalidArgument},
		"long value":     {attribute("a", x("v", 1024)), codes.OK},
		"longer value":   {attribute("a", x("v", 1025)), codes.InvalidArgument},
		"100 attributes": {one(&pubsubpb.PubsubMessage{Attributes: attributes(100)}), codes.OK},
		"101 attributes": {one(&pubsubpb.PubsubMessage{Attributes: attributes(101)}), codes.InvalidArgument},
		"1000 messages":  {many(1000, 1), codes.OK}, "1001 messages": {many(1001, 1), codes.InvalidArgument},
		"10 MB": {data(10_000_000), codes.OK}, "more": {data(10_000_001), codes.InvalidArgument},
		"10 MiB in two": {many(2, 5<<20), codes.InvalidArgument},
		"long key":      {one(&pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: x("k", 1024)}), codes.OK},
		"longer key":    {one(&pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: x("k", 1025)}), codes.InvalidArgument},
		"two keys": {[]*pubsubpb.PubsubMessage{{Data: []byte("x"), OrderingKey: "a"}, {Data: []byte("x"), OrderingKey: "b"}},
			codes.InvalidArgument},
	} {
		if _, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
			Topic: topics + "top", Messages: tt.messages,
		}); status.Code(err) != tt.want {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestARefusedPublishPublishesNothing(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		w.topic("top")
		w.subscription("sub", "top")
		_, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
			Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: []byte("a")}, {}},
		})
		wantCode(t, err, codes.InvalidArgument)
		w.expect("sub")
	})
}

package pubsub

import (
	"runtime"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// TestMemoryIsThatOfWhatIsThere publishes and acknowledges 300,000 messages of a kilobyte on two subscriptions, one
// of them ordered.
func TestMemoryIsThatOfWhatIsThere(t *testing.T) {
	w := newWorld(t, Options{})
	w.topic("top")
	w.subscription("one", "top")
	w.subscription("two", "top", ordered)
	const batches, size = 300, 1000
	var after []uint64
	for i := range batches {
		req := &pubsubpb.PublishRequest{Topic: topics + "top"}
		for range size {
			req.Messages = append(req.Messages, &pubsubpb.PubsubMessage{Data: make([]byte, 1000), OrderingKey: "key"})
		}
		_, err := w.pub.Publish(t.Context(), req)
		w.must(err)
		for _, sub := range []string{"one", "two"} {
			for left := size; left > 0; {
				got := w.pull(sub, size)
				left -= len(got)
				w.ack(sub, got)
			}
		}
		if i == batches/10 || i == batches-1 {
			after = append(after, heap())
		}
	}
	if after[1] > after[0]+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", after[0], after[1])
	}
	t.Logf("heap: %d and %d bytes", after[0], after[1])
	runtime.KeepAlive(w)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

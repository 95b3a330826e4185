package pubsub

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// TestASnapshotTakenUnderLoadLosesNothing takes snapshots while messages are published and acknowledged.
func TestASnapshotTakenUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := newDurable(t, dir)
	d.topic("top")
	d.topic("dead")
	d.subscription("letters", "dead")
	d.subscription("sub", "top", deadLetters("dead", 5))
	d.subscription("all", "top")
	d.publish("top", numbers(50)...)
	var work sync.WaitGroup
	work.Go(func() {
		for i := range 300 {
			d.publish("top", fmt.Sprint(i))
		}
	})
	work.Go(func() {
		for i := range 300 {
			got := d.pull("sub", 3)
			if len(got) > 0 && i%3 == 0 {
				d.nack("sub", got)
			} else if len(got) > 0 {
				d.ack("sub", got)
			}
		}
	})
	var snapshots [][][]byte
	for range 5 {
		var records [][]byte
		d.must((*part)(d.server).Snapshot(func(r []byte) error { records = append(records, slices.Clone(r)); return nil }))
		snapshots = append(snapshots, records)
		time.Sleep(5 * time.Millisecond)
	}
	work.Wait()
	want := stateOf(d.server)
	d.close()
	records := recordsOf(t, dir)
	for i, snapshot := range snapshots {
		s, err := rebuilt(slices.Concat(snapshot, records))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, stateOf(s)); diff != "" {
			t.Errorf("snapshot %d (-want +got):\n%s", i, diff)
		}
		s.stopTimers()
	}
}

func TestASnapshotTakenAsTheServerStopsLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top", func(c *pubsubpb.Topic) { c.MessageRetentionDuration = seconds(3600) })
	w.subscription("sub", "top")
	w.publish("top", "a", "b")
	want := stateOf(w.server)
	w.server.stopTimers()
	var records [][]byte
	w.must((*part)(w.server).Snapshot(func(r []byte) error { records = append(records, slices.Clone(r)); return nil }))
	s, err := rebuilt(records)
	w.must(err)
	if diff := cmp.Diff(want, stateOf(s)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.stopTimers()
}

func TestMessagesAreSharedAgainAfterASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	w.topic("top", func(c *pubsubpb.Topic) { c.MessageRetentionDuration = seconds(3600) })
	w.subscription("one", "top")
	w.subscription("two", "top")
	w.publish("top", "a", "b")
	var records [][]byte
	w.must((*part)(w.server).Snapshot(func(r []byte) error { records = append(records, slices.Clone(r)); return nil }))
	s, err := rebuilt(records)
	w.must(err)
	one, two := s.subscriptions[subs+"one"].deliveries(), s.subscriptions[subs+"two"].deliveries()
	kept := s.topics[topics+"top"].messages()
	for i := range 2 {
		if one[i].message != two[i].message || one[i].message != kept[i] {
			t.Errorf("message %d is there more than once", i)
		}
	}
	w.server.stopTimers()
	s.stopTimers()
}

// FuzzReplay holds replaying to one rule: a record of garbage is an error or does nothing, and never a panic.
func FuzzReplay(f *testing.F) {
	w := &world{server: New(Options{})}
	config := encodeMessage(&pubsubpb.Subscription{
		Name: subs + "sub", Topic: topics + "top", AckDeadlineSeconds: 10, MessageRetentionDuration: seconds(600),
	})
	body := encodeMessage(&pubsubpb.PubsubMessage{
		Data: []byte("x"), MessageId: "7", PublishTime: timestamppb.Now(), OrderingKey: "k",
	})
	seeds := map[kind][][]byte{
		topicSet: {encodeMessage(&pubsubpb.Topic{Name: topics + "top"})}, topicDeleted: {[]byte(topics + "top")},
		subscriptionSet: {config, encodeID(3)}, subscriptionDeleted: {[]byte(subs + "sub")},
		schemaSet: {encodeMessage(protobuf(persons(1)))}, schemaDeleted: {[]byte(schemaName)},
		published: {[]byte(topics + "top"), body}, acknowledged: {[]byte(subs + "sub"), encodeID(7)},
		forwarded: {[]byte(subs + "sub"), encodeID(7), []byte(topics + "top"), body},
		sought:    {encodeMessage(&pubsubpb.SeekRequest{Subscription: subs + "sub"}), encodeID(9)}, lastID: {encodeID(9)},
		stored: {body, []byte(topics + "top"), []byte("waiting " + subs + "sub")},
	}
	for _, k := range slices.Sorted(maps.Keys(seeds)) {
		f.Add(record(k, seeds[k]...))
		if err := (*part)(w.server).Replay(record(k, seeds[k]...)); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		s := New(Options{})
		for _, k := range []kind{topicSet, subscriptionSet, published} {
			_ = (*part)(s).Replay(record(k, seeds[k]...))
		}
		_ = (*part)(s).Replay(data)
		s.stopTimers()
	})
}

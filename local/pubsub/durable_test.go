package pubsub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"orderflow.dev/local/wal"
)

// durable is a server with a log, which can be started again.
type durable struct {
	*world
	dir string
	log *wal.Log
}

func newDurable(t *testing.T, dir string) *durable {
	t.Helper()
	d := &durable{dir: dir}
	d.open(t)
	return d
}

func (d *durable) open(t *testing.T) {
	t.Helper()
	log, err := wal.Open(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	d.log, d.world = log, newWorld(t, Options{Log: log})
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
}

func (d *durable) close() {
	d.server.stopTimers()
	if err := d.log.Close(); err != nil {
		d.t.Fatal(err)
	}
}

func (d *durable) restart() {
	d.close()
	d.open(d.t)
}

// state is what a restart must not change.
type everything struct {
	Topics, Subscriptions, Schemas map[string]string
	Waiting, Retained, Kept        map[string][]int64
}

func stateOf(s *Server) everything {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := everything{map[string]string{}, map[string]string{}, map[string]string{}, map[string][]int64{}, map[string][]int64{}, map[string][]int64{}}
	text := func(m proto.Message) string {
		b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		return string(b)
	}
	for name, t := range s.topics {
		st.Topics[name] = text(t.config) + fmt.Sprint(t.subscriptionNames())
		for _, m := range t.messages() {
			st.Kept[name] = append(st.Kept[name], m.id)
		}
	}
	for name, sub := range s.subscriptions {
		st.Subscriptions[name] = text(sub.config) + fmt.Sprint(sub.since, sub.topic != nil, sub.gone != nil)
		for _, d := range sub.deliveries() {
			if d.state == retained {
				st.Retained[name] = append(st.Retained[name], d.id)
			} else {
				st.Waiting[name] = append(st.Waiting[name], d.id)
			}
		}
	}
	for name, r := range s.schemas {
		for _, one := range r.all {
			st.Schemas[name] += text(one.Schema)
		}
	}
	return st
}

// rebuilt is a server made of records.
func rebuilt(records [][]byte) (*Server, error) {
	s := New(Options{})
	for _, r := range records {
		if err := (*part)(s).Replay(r); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// recorder is a part that only collects the records of a log.
type recorder struct{ records [][]byte }

func (r *recorder) Replay(record []byte) error {
	r.records = append(r.records, slices.Clone(record))
	return nil
}

func (r *recorder) Snapshot(func([]byte) error) error { return nil }

func recordsOf(t *testing.T, dir string) [][]byte {
	t.Helper()
	log, err := wal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	log.Attach("pubsub", r)
	if err := log.Recover(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return r.records
}

// TestARestartChangesNothing makes random calls, and restarts from the log, from a snapshot, and from a snapshot with records
// that it knows already.
func TestARestartChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		d := newDurable(t, t.TempDir())
		defer func() { d.close() }()
		a := &actor{durable: d, rapid: r}
		for range rapid.IntRange(1, 60).Draw(r, "calls") {
			a.act()
		}
		want := stateOf(d.server)
		var snapshot [][]byte
		collect := func(record []byte) error { snapshot = append(snapshot, slices.Clone(record)); return nil }
		if err := (*part)(d.server).Snapshot(collect); err != nil {
			r.Fatal(err)
		}
		d.restart()
		if diff := cmp.Diff(want, stateOf(d.server)); diff != "" {
			r.Fatalf("after a restart (-want +got):\n%s", diff)
		}
		d.close()
		records := recordsOf(t, d.dir)
		for name, all := range map[string][][]byte{"a snapshot": snapshot, "a snapshot and known records": slices.Concat(snapshot, records)} {
			s, err := rebuilt(all)
			if err != nil {
				r.Fatal(err)
			}
			if diff := cmp.Diff(want, stateOf(s)); diff != "" {
				r.Fatalf("after %s (-want +got):\n%s", name, diff)
			}
			s.stopTimers()
		}
		d.open(t)
	})
}

// actor makes random calls. What they answer does not matter here.
type actor struct {
	*durable
	rapid *rapid.T
	ids   map[string][]string // ack ids, by subscription
}

func (a *actor) pick(what string, of ...string) string {
	return rapid.SampledFrom(of).Draw(a.rapid, what)
}

func (a *actor) act() {
	ctx := context.Background()
	topic := topics + a.pick("topic", "one", "two")
	sub := subs + a.pick("subscription", "aaa", "bbb", "ccc")
	switch a.pick("call", "topic", "topic", "sub", "sub", "sub", "publish", "publish", "publish", "publish", "pull", "pull", "ack", "ack", "nack",
		"seek", "delete topic", "delete sub", "detach", "update", "schema") {
	case "topic":
		t := &pubsubpb.Topic{Name: topic}
		if rapid.Bool().Draw(a.rapid, "keeps") {
			t.MessageRetentionDuration = seconds(3600)
		}
		_, _ = a.pub.CreateTopic(ctx, t)
	case "sub":
		s := &pubsubpb.Subscription{
			Name: sub, Topic: topic, RetainAckedMessages: rapid.Bool().Draw(a.rapid, "retains"),
			EnableMessageOrdering: rapid.Bool().Draw(a.rapid, "ordered"), Filter: a.pick("filter", "", "", "attributes:a"),
		}
		if rapid.Bool().Draw(a.rapid, "dead letters") {
			s.DeadLetterPolicy = &pubsubpb.DeadLetterPolicy{DeadLetterTopic: topics + "two", MaxDeliveryAttempts: 5}
		}
		_, _ = a.sub.CreateSubscription(ctx, s)
	case "publish":
		a.publishSome(ctx, topic)
	case "pull":
		a.pullSome(ctx, sub)
	case "ack":
		_, _ = a.sub.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: sub, AckIds: a.some(sub)})
	case "nack":
		for range 5 {
			_, _ = a.sub.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: sub, AckIds: a.ids[sub]})
			a.pullSome(ctx, sub)
		}
	case "seek":
		to := timestamppb.New(time.Now().Add(time.Duration(rapid.IntRange(-2, 1).Draw(a.rapid, "to")) * time.Millisecond))
		_, _ = a.sub.Seek(ctx, &pubsubpb.SeekRequest{Subscription: sub, Target: &pubsubpb.SeekRequest_Time{Time: to}})
	case "delete topic":
		_, _ = a.pub.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: topic})
	case "delete sub":
		_, _ = a.sub.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: sub})
	case "detach":
		_, _ = a.pub.DetachSubscription(ctx, &pubsubpb.DetachSubscriptionRequest{Subscription: sub})
	case "update":
		_, _ = a.sub.UpdateSubscription(ctx, &pubsubpb.UpdateSubscriptionRequest{
			Subscription: &pubsubpb.Subscription{Name: sub, RetainAckedMessages: rapid.Bool().Draw(a.rapid, "retains")},
			UpdateMask:   &fieldmaskpb.FieldMask{Paths: []string{"retain_acked_messages"}},
		})
	case "schema":
		if _, err := a.createSchema(persons(0)); err != nil {
			_, _ = a.commit(persons(rapid.IntRange(0, 3).Draw(a.rapid, "fields")))
		}
	}
}

func (a *actor) publishSome(ctx context.Context, topic string) {
	req := &pubsubpb.PublishRequest{Topic: topic}
	key := a.pick("key", "", "k", "l")
	for range rapid.IntRange(1, 4).Draw(a.rapid, "messages") {
		m := &pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: key}
		if rapid.Bool().Draw(a.rapid, "attribute") {
			m.Attributes = map[string]string{"a": ""}
		}
		req.Messages = append(req.Messages, m)
	}
	_, _ = a.pub.Publish(ctx, req)
}

func (a *actor) pullSome(ctx context.Context, sub string) {
	resp, err := a.sub.Pull(ctx, &pubsubpb.PullRequest{Subscription: sub, MaxMessages: 4, ReturnImmediately: true})
	if err != nil {
		return
	}
	if a.ids == nil {
		a.ids = map[string][]string{}
	}
	a.ids[sub] = append(a.ids[sub], received(resp.GetReceivedMessages()).ackIDs()...)
}

// some are ack ids that were given, of leases that may have ended.
func (a *actor) some(sub string) []string {
	var some []string
	for _, id := range a.ids[sub] {
		if rapid.Bool().Draw(a.rapid, "acknowledge") {
			some = append(some, id)
		}
	}
	return some
}

func TestMessagesComeAgainAfterARestartUntilTheyAreAcknowledged(t *testing.T) {
	t.Parallel()
	d := newDurable(t, t.TempDir())
	d.topic("top")
	d.subscription("sub", "top", ordered)
	d.publishKey("top", "k", "a", "b", "c")
	first := d.expect("sub", "a", "b", "c")
	d.ack("sub", first[:1])
	d.ack("sub", first[2:]) // does not count before b
	d.restart()
	second := d.expect("sub", "b", "c")
	if second[0].GetMessage().GetMessageId() != first[1].GetMessage().GetMessageId() {
		t.Error("another id")
	}
	if !second[0].GetMessage().GetPublishTime().AsTime().Equal(first[1].GetMessage().GetPublishTime().AsTime()) {
		t.Error("another time")
	}
	d.ack("sub", second)
	d.publish("top", "d")
	d.restart()
	third := d.expect("sub", "d")
	if n(t, third[0]) <= n(t, first[2]) {
		t.Error("an id was given again")
	}
	d.close()
}

func n(t *testing.T, m *pubsubpb.ReceivedMessage) int64 {
	t.Helper()
	id, err := strconv.ParseInt(m.GetMessage().GetMessageId(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIdsAreNotGivenAgainThoughTheClockWentBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	publishAt := func(now time.Time) string {
		log, err := wal.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, Options{Log: log, Now: func() time.Time { return now }})
		w.must(log.Recover())
		_, _ = w.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topics + "top"})
		resp, err := w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
			Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}},
		})
		w.must(err)
		w.must(log.Close())
		return resp.GetMessageIds()[0]
	}
	first := publishAt(time.Unix(2_000_000_000, 0))
	if second := publishAt(time.Unix(1_000_000_000, 0)); second <= first {
		t.Errorf("id %s after %s", second, first)
	}
}

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
	config := encodeMessage(&pubsubpb.Subscription{Name: subs + "sub", Topic: topics + "top", AckDeadlineSeconds: 10, MessageRetentionDuration: seconds(600)})
	body := encodeMessage(&pubsubpb.PubsubMessage{Data: []byte("x"), MessageId: "7", PublishTime: timestamppb.Now(), OrderingKey: "k"})
	seeds := map[kind][][]byte{
		topicSet: {encodeMessage(&pubsubpb.Topic{Name: topics + "top"})}, topicDeleted: {[]byte(topics + "top")},
		subscriptionSet: {config, encodeID(3)}, subscriptionDeleted: {[]byte(subs + "sub")},
		schemaSet: {encodeMessage(protobuf(persons(1)))}, schemaDeleted: {[]byte(schemaName)},
		published: {[]byte(topics + "top"), body}, acknowledged: {[]byte(subs + "sub"), encodeID(7)},
		forwarded: {[]byte(subs + "sub"), encodeID(7), []byte(topics + "top"), body},
		sought:    {encodeMessage(&pubsubpb.SeekRequest{Subscription: subs + "sub"})}, lastID: {encodeID(9)},
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

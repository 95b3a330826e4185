package pubsub

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
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

// TestARestartChangesNothing makes random calls, and restarts from the log, from a snapshot, and from a snapshot with
// records that it knows already.
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
		for name, all := range map[string][][]byte{
			"a snapshot": snapshot, "a snapshot and known records": slices.Concat(snapshot, records),
		} {
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
	if idOf(t, third[0]) <= idOf(t, first[2]) {
		t.Error("an id was given again")
	}
	d.close()
}

func idOf(t *testing.T, m *pubsubpb.ReceivedMessage) int64 {
	t.Helper()
	id, err := strconv.ParseInt(m.GetMessage().GetMessageId(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestADeadLetterIsInOnePlaceAfterARestart(t *testing.T) {
	t.Parallel()
	d := newDurable(t, t.TempDir())
	d.topic("top")
	d.topic("dead")
	d.subscription("letters", "dead")
	d.subscription("sub", "top", deadLetters("dead", 5))
	d.publish("top", "a", "b")
	first := d.expect("sub", "a", "b")
	d.ack("sub", first[1:])
	d.nack("sub", first[:1])
	d.restart()
	for range 5 { // attempts are forgotten
		d.nack("sub", d.expect("sub", "a"))
	}
	d.restart()
	d.expect("sub")
	d.ack("letters", d.expect("letters", "a"))
	d.restart()
	d.expect("letters")
	d.close()
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

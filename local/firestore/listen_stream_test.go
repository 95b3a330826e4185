package firestore

import (
	"testing"
	"testing/synctest"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
)

func TestAStreamAtRestIsToldThatTimePasses(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		time.Sleep(heartbeat)
		wants(t, w, "without targets")
		w.add(names(1, "a/1"))
		w.read(t)
		before := w.time
		commit(t, s, put("b/1", 1))
		wants(t, w, "committing elsewhere")
		time.Sleep(heartbeat)
		wants(t, w, "at the heartbeat", "snapshot")
		if !w.time.After(before) {
			t.Errorf("its read time is %v, as before", w.time)
		}
	})
}

func TestACommitRightAfterATargetsFirstMomentIsToldAfterIt(t *testing.T) {
	t.Parallel()
	for name, others := range map[string][]*pb.Target{"alone": nil, "with another target": {where(1, 9, 0)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				meanwhile := func(time.Time) {} // when the database is asked for a moment
				s := New(Options{Now: func() time.Time {
					now := time.Now()
					meanwhile(now)
					return now
				}})
				commit(t, s, put("a/1", 1))
				w := listenTo(s, 100)
				for _, other := range append(others, names(3, "b/1")) {
					w.add(other)
				}
				w.read(t)
				feed := s.feeds.feeds[openDB(t, s)]
				meanwhile = func(now time.Time) {
					after := database.NewDocument("a/1", map[string]*pb.Value{"n": integer(9)}, now, now)
					feed.publish(database.Batch{Time: now.Add(time.Microsecond), Changes: []database.Change{{After: after}}})
					meanwhile = func(time.Time) {}
				}
				w.add(where(2, 1, 0))
				ids := "[2]"
				if others != nil {
					ids = "[1 2]"
				}
				wants(t, w, "adding", "ADD [2]", "change a/1 n=1 in [2]", "CURRENT [2]", "snapshot",
					"change a/1 n=9 in "+ids, "snapshot")
				w.cancel()
				<-w.ended
			})
		})
	}
}

func TestASlowClientHoldsUpNobodyAndGetsWhatItMissedAsOneSnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := newClient(t, s)
		for _, target := range []*pb.Target{where(1, 1, 0), where(2, 1, 2), names(3, "a/1")} {
			c.add(target)
		}
		for i := range int64(backlog) {
			commit(t, s, put("a/1", i), put("a/2", i%7+1), put("a/3", -i))
		}
		commit(t, s, put("a/4", 1), drop("a/2"))
		told := 0
		for latest := c.db.Latest(); !cmp.Equal(c.known[1], expected(t, latest, where(1, 1, 0))); told++ {
			c.snapshot()
		}
		if told > backlog/2 {
			t.Errorf("it was told %d snapshots of %d commits", told, backlog+1)
		}
		c.check(c.db.Latest().Time())
		c.wire.cancel()
		<-c.wire.ended
	})
}

func TestAClientThatIsSlowerThanTheHistoryHasToListenAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		c := newClient(t, s)
		c.add(where(1, 0, 2))
		blob := &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: make([]byte, 900_000)}}
		for i := range int64(60) { // more than the history keeps
			w := put("a/1", i)
			w.GetUpdate().Fields["blob"] = blob
			commit(t, s, w)
		}
		for ended := false; !ended; {
			select {
			case <-c.wire.responses:
			case <-c.wire.ended:
				ended = true
			}
		}
		if status.Code(c.wire.err) != codes.Unavailable {
			t.Errorf("the stream ended with %v", c.wire.err)
		}
	})
}

func TestADatabaseIsWatchedWhileSomebodyListens(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		watched := func() int {
			synctest.Wait()
			s.feeds.mu.Lock()
			defer s.feeds.mu.Unlock()
			return len(s.feeds.feeds)
		}
		w.add(names(1, "a/1"))
		other := listenTo(s, 100)
		other.add(names(1, "a/1"))
		if n := watched(); n != 1 {
			t.Errorf("%d databases are watched", n)
		}
		close(other.requests)
		<-other.ended
		if other.err != nil {
			t.Errorf("a stream that the client closed ended with %v", other.err)
		}
		if n := watched(); n != 1 {
			t.Errorf("with one listener gone, %d databases are watched", n)
		}
		w.cancel()
		<-w.ended
		if n := watched(); n != 0 {
			t.Errorf("with nobody listening, %d databases are watched", n)
		}
	})
}

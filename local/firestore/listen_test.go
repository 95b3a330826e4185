package firestore

import (
	"testing"
	"testing/synctest"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// listening runs a test on a server with a/1 to a/3, n = 1 to 3, and a stream, in a bubble in which time stands still
// until all are idle.
func listening(t *testing.T, test func(t *testing.T, s *Server, w *wire)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		commit(t, s, put("a/1", 1), put("a/2", 2), put("a/3", 3))
		w := listenTo(s, 10000)
		test(t, s, w)
		w.cancel()
		<-w.ended
	})
}

// wants checks what has come on a stream.
func wants(t *testing.T, w *wire, doing string, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, w.read(t)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", doing, diff)
	}
}

func TestATargetBeginsWithItsDocumentsAndIsThenCurrent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target *pb.Target
		want   []string
	}{
		"a query":               {where(7, 2, 0), []string{"change a/2 n=2 in [7]", "change a/3 n=3 in [7]"}},
		"a query with a limit":  {where(7, 1, 2), []string{"change a/1 n=1 in [7]", "change a/2 n=2 in [7]"}},
		"a query of fields":     {where(7, 3, 0, "m"), []string{"change a/3  in [7]"}},
		"a query of nothing":    {where(7, 9, 0), nil},
		"documents":             {names(7, "a/3", "a/1"), []string{"change a/1 n=1 in [7]", "change a/3 n=3 in [7]"}},
		"a missing document":    {names(7, "a/9"), []string{"delete a/9 out [7]"}},
		"a document named once": {names(7, "a/1", "a/1"), []string{"change a/1 n=1 in [7]"}},
		"no document":           {names(7), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listening(t, func(t *testing.T, _ *Server, w *wire) {
				w.add(test.target)
				wants(t, w, "adding", append(append([]string{"ADD [7]"}, test.want...), "CURRENT [7]", "snapshot")...)
			})
		})
	}
}

func TestAQueryIsToldOfWhatEntersChangesAndLeaves(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		w.add(where(1, 2, 0))
		w.read(t)
		steps := []struct {
			doing  string
			writes []*pb.Write
			want   []string
		}{
			{"entering", []*pb.Write{put("a/1", 5)}, []string{"change a/1 n=5 in [1]", "snapshot"}},
			{"changing", []*pb.Write{put("a/1", 6)}, []string{"change a/1 n=6 in [1]", "snapshot"}},
			{"changing nothing", []*pb.Write{put("a/1", 6)}, nil},
			{"leaving", []*pb.Write{put("a/1", 0)}, []string{"remove a/1 out [1]", "snapshot"}},
			{"changing outside", []*pb.Write{put("a/1", 1)}, nil},
			{"deleting outside", []*pb.Write{drop("a/1")}, nil},
			{"deleting", []*pb.Write{drop("a/2")}, []string{"delete a/2 out [1]", "snapshot"}},
			{"deleting what is not there", []*pb.Write{drop("a/2")}, nil},
			{"creating", []*pb.Write{put("a/2", 4)}, []string{"change a/2 n=4 in [1]", "snapshot"}},
			{"in another collection", []*pb.Write{put("b/1", 4), put("a/1/a/1", 4)}, nil},
			{"five writes", []*pb.Write{put("a/5", 5), put("a/6", 6), drop("a/2"), put("b/2", 4), put("a/3", 1)},
				[]string{"change a/5 n=5 in [1]", "change a/6 n=6 in [1]", "delete a/2 out [1]", "remove a/3 out [1]", "snapshot"}},
			{"one document twice", []*pb.Write{put("a/5", 6), put("a/5", 7)}, []string{"change a/5 n=7 in [1]", "snapshot"}},
		}
		for _, step := range steps {
			commit(t, s, step.writes...)
			wants(t, w, step.doing, step.want...)
		}
	})
}

func TestALimitedQueryIsToldOfDocumentsThatMoveForOthers(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		w.add(where(1, 1, 2))
		w.read(t)
		steps := []struct {
			doing  string
			writes []*pb.Write
			want   []string
		}{
			{"behind the limit", []*pb.Write{put("a/4", 4)}, nil},
			{"changing in it", []*pb.Write{put("a/2", 1)}, []string{"change a/2 n=1 in [1]", "snapshot"}},
			{"pushing one out", []*pb.Write{put("a/0", 1)}, []string{"change a/0 n=1 in [1]", "remove a/2 out [1]", "snapshot"}},
			{"letting one in", []*pb.Write{drop("a/0")}, []string{"change a/2 n=1 in [1]", "delete a/0 out [1]", "snapshot"}},
			{"moving behind", []*pb.Write{put("a/1", 9)}, []string{"change a/3 n=3 in [1]", "remove a/1 out [1]", "snapshot"}},
			{"no more than the limit left", []*pb.Write{drop("a/1"), drop("a/4"), drop("a/3")},
				[]string{"delete a/3 out [1]", "snapshot"}},
			{"filling up", []*pb.Write{put("a/7", 70)}, []string{"change a/7 n=70 in [1]", "snapshot"}},
		}
		for _, step := range steps {
			commit(t, s, step.writes...)
			wants(t, w, step.doing, step.want...)
		}
	})
}

func TestAQueryWithAnOffsetIsToldOfWhatMovesIntoItFromBefore(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		target := where(1, 1, 1)
		target.GetQuery().GetStructuredQuery().Offset = 1
		w.add(target)
		wants(t, w, "adding", "ADD [1]", "change a/2 n=2 in [1]", "CURRENT [1]", "snapshot")
		commit(t, s, drop("a/1"))
		wants(t, w, "deleting what was skipped", "change a/3 n=3 in [1]", "remove a/2 out [1]", "snapshot")
		commit(t, s, put("a/1", 1))
		wants(t, w, "creating before it", "change a/2 n=2 in [1]", "remove a/3 out [1]", "snapshot")
		commit(t, s, put("a/4", 4))
		wants(t, w, "creating behind it")
	})
}

func TestAStreamTellsOfADocumentOnceForAllItsTargets(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		for _, target := range []*pb.Target{where(1, 2, 0), names(2, "a/2", "a/9"), where(3, 5, 0), where(4, 1, 0, "m")} {
			w.add(target)
		}
		w.read(t)
		commit(t, s, put("a/2", 5))
		wants(t, w, "matching all", "change a/2 n=5 in [1 2 3]", "change a/2  in [4]", "snapshot")
		commit(t, s, put("a/2", 1))
		wants(t, w, "leaving some", "change a/2 n=1 in [2] out [1 3]", "change a/2  in [4]", "snapshot")
		commit(t, s, drop("a/2"))
		wants(t, w, "deleting", "delete a/2 out [2 4]", "snapshot")
		commit(t, s, put("a/9", 2))
		wants(t, w, "creating", "change a/9 n=2 in [1 2]", "change a/9  in [4]", "snapshot")
		w.remove(2)
		wants(t, w, "removing a target", "REMOVE [2]")
		commit(t, s, put("a/9", 3))
		wants(t, w, "after that", "change a/9 n=3 in [1]", "change a/9  in [4]", "snapshot")
		w.remove(2)
		wants(t, w, "removing it again")
		w.add(names(2, "a/9"))
		wants(t, w, "adding it again", "ADD [2]", "change a/9 n=3 in [2]", "CURRENT [2]", "snapshot")
	})
}

func TestATargetThatIsRefusedIsRemovedWithItsCauseAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	badLimit := where(5, 0, 0)
	badLimit.GetQuery().GetStructuredQuery().Limit = wrapperspb.Int32(-1)
	elsewhere := names(5, "a/1")
	elsewhere.GetDocuments().Documents[0] = "projects/p/databases/other/documents/a/1"
	tests := map[string]struct {
		target *pb.Target
		want   string
	}{
		"a negative limit":               {badLimit, "REMOVE [5] InvalidArgument"},
		"the name of a collection":       {names(5, "a"), "REMOVE [5] InvalidArgument"},
		"a document of another database": {elsewhere, "REMOVE [5] InvalidArgument"},
		"a parent that is a collection":  {asks(5, testDocs+"/a", where(5, 1, 0).GetQuery().GetStructuredQuery()), "REMOVE [5] InvalidArgument"},
		"a parent of another database":   {asks(5, "projects/p/databases/other/documents", where(5, 1, 0).GetQuery().GetStructuredQuery()), "REMOVE [5] InvalidArgument"},
		"neither a query nor documents":  {&pb.Target{TargetId: 5}, "REMOVE [5] InvalidArgument"},
		"a query target without a query": {asks(5, testDocs, nil), "REMOVE [5] InvalidArgument"},
		"a negative id":                  {where(-5, 1, 0), "REMOVE [-5] InvalidArgument"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listening(t, func(t *testing.T, s *Server, w *wire) {
				w.add(where(1, 3, 0))
				w.read(t)
				w.add(test.target)
				wants(t, w, "adding", test.want)
				commit(t, s, put("a/3", 4))
				wants(t, w, "committing", "change a/3 n=4 in [1]", "snapshot")
			})
		})
	}
}

func TestAStreamEndsAtARequestThatMakesNoSense(t *testing.T) {
	t.Parallel()
	tests := map[string]*pb.ListenRequest{
		"neither adding nor removing": {Database: testDB},
		"no database":                 {TargetChange: &pb.ListenRequest_RemoveTarget{RemoveTarget: 1}},
		"another database": {Database: "projects/p/databases/other",
			TargetChange: &pb.ListenRequest_RemoveTarget{RemoveTarget: 1}},
		"an id that is there": {Database: testDB, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: names(1, "a/2")}},
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listening(t, func(t *testing.T, s *Server, w *wire) {
				w.add(names(1, "a/1"))
				w.send(request)
				<-w.ended
				if status.Code(w.err) != codes.InvalidArgument {
					t.Errorf("the stream ended with %v", w.err)
				}
			})
		})
	}
}

func TestAStreamOfAMalformedDatabaseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := listenTo(New(Options{}), 10)
		w.send(&pb.ListenRequest{Database: "p", TargetChange: &pb.ListenRequest_AddTarget{AddTarget: names(1, "a/1")}})
		<-w.ended
		if status.Code(w.err) != codes.InvalidArgument {
			t.Errorf("the stream ended with %v", w.err)
		}
	})
}

func TestTheServerNumbersTargetsThatHaveNoID(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, _ *Server, w *wire) {
		w.add(names(1))
		w.read(t)
		w.add(names(0))
		wants(t, w, "adding without an id", "ADD [2]", "CURRENT [2]", "snapshot")
		w.add(names(0))
		wants(t, w, "adding another", "ADD [3]", "CURRENT [3]", "snapshot")
		w.add(names(9))
		wants(t, w, "adding with an id", "REMOVE [9] InvalidArgument")
	})
}

func TestATargetForOnceIsRemovedWhenItIsConsistent(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		once := names(4, "a/1")
		once.Once = true
		w.add(once)
		wants(t, w, "adding", "ADD [4]", "change a/1 n=1 in [4]", "CURRENT [4]", "snapshot", "REMOVE [4]")
		commit(t, s, put("a/1", 2))
		wants(t, w, "committing")
	})
}

func TestAResumedTargetIsToldOnlyWhatHasChanged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		target *pb.Target
		want   []string
	}{
		"a query": {where(1, 2, 0), []string{"change a/4 n=4 in [1]", "change a/1 n=5 in [1]", "remove a/2 out [1]"}},
		"a limited query": {where(1, 1, 2), []string{"change a/4 n=4 in [1]", "remove a/1 out [1]", "remove a/2 out [1]",
			"change a/3 n=3 in [1]"}},
		"documents": {names(1, "a/1", "a/3", "a/5", "a/9"), []string{"change a/1 n=5 in [1]", "delete a/5 out [1]"}},
		"nothing":   {names(1, "a/3", "a/9"), nil},
	}
	for name, test := range tests {
		for how, resume := range map[string]func(*pb.Target, *wire){
			"by token": func(p *pb.Target, w *wire) { p.ResumeType = &pb.Target_ResumeToken{ResumeToken: w.token} },
			"by time":  func(p *pb.Target, w *wire) { p.ResumeType = &pb.Target_ReadTime{ReadTime: timestamppb.New(w.time)} },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				listening(t, func(t *testing.T, s *Server, w *wire) {
					commit(t, s, put("a/5", 0))
					target := proto.Clone(test.target).(*pb.Target)
					w.add(target)
					w.read(t)
					commit(t, s, put("a/2", 1), drop("a/5"))
					commit(t, s, put("a/1", 5), put("a/4", 4), put("a/2", 0))
					again := listenTo(s, 100)
					target = proto.Clone(test.target).(*pb.Target)
					resume(target, w)
					again.add(target)
					got := again.read(t)
					want := append(append([]string{"ADD [1]"}, test.want...), "CURRENT [1]", "snapshot")
					if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
						t.Errorf("resuming (-want +got):\n%s", diff)
					}
					again.cancel()
					<-again.ended
				})
			})
		}
	}
}

func TestATargetThatCannotBeResumedIsReset(t *testing.T) {
	t.Parallel()
	listening(t, func(t *testing.T, s *Server, w *wire) {
		w.add(where(1, 2, 0))
		w.read(t)
		token := &pb.Target_ResumeToken{ResumeToken: w.token}
		tests := map[string]*pb.Target{
			"a token of another server":   {ResumeType: &pb.Target_ResumeToken{ResumeToken: newFeeds().token(w.time)}},
			"a token that is none":        {ResumeType: &pb.Target_ResumeToken{ResumeToken: []byte("x")}},
			"a time to come":              {ResumeType: &pb.Target_ReadTime{ReadTime: timestamppb.New(w.time.Add(time.Hour))}},
			"a time out of the history":   {ResumeType: &pb.Target_ReadTime{ReadTime: timestamppb.New(w.time.Add(-48 * time.Hour))}},
			"fewer documents than it had": {ResumeType: token, ExpectedCount: wrapperspb.Int32(1)},
		}
		for name, target := range tests {
			target.TargetId, target.TargetType = 2, where(2, 2, 0).TargetType
			w.add(target)
			wants(t, w, name, "ADD [2]", "RESET [2]", "change a/2 n=2 in [2]", "change a/3 n=3 in [2]", "CURRENT [2]", "snapshot")
			w.remove(2)
			w.read(t)
		}
		known := where(2, 2, 0)
		known.ResumeType, known.ExpectedCount = token, wrapperspb.Int32(2)
		w.add(known)
		wants(t, w, "as many documents as it had", "ADD [2]", "CURRENT [2]", "snapshot")
	})
}

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

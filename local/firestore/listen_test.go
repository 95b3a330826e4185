package firestore

import (
	"testing"
	"testing/synctest"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
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
			{"five writes", []*pb.Write{put("a/5", 5), put("a/6", 6), drop("a/2"), put("b/2", 4), put("a/3", 1)}, []string{
				"change a/5 n=5 in [1]", "change a/6 n=6 in [1]", "delete a/2 out [1]", "remove a/3 out [1]", "snapshot",
			}},
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
			{"pushing one out", []*pb.Write{put("a/0", 1)},
				[]string{"change a/0 n=1 in [1]", "remove a/2 out [1]", "snapshot"}},
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
		for id := range int32(4) {
			w.remove(id + 1)
		}
		w.read(t)
		if inboxes := s.feeds.feeds[openDB(t, s)].inboxes; len(inboxes) != 0 {
			t.Errorf("commits go to a stream without targets: %v", inboxes)
		}
	})
}

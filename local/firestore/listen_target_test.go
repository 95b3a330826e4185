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

func TestATargetThatIsRefusedIsRemovedWithItsCauseAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	ask := where(5, 1, 0).GetQuery().GetStructuredQuery()
	badLimit := where(5, 0, 0)
	badLimit.GetQuery().GetStructuredQuery().Limit = wrapperspb.Int32(-1)
	elsewhere := names(5, "a/1")
	const otherDocs = "projects/p/databases/other/documents"
	elsewhere.GetDocuments().Documents[0] = otherDocs + "/a/1"
	nearest := where(5, 0, 0)
	nearest.GetQuery().GetStructuredQuery().FindNearest = &pb.StructuredQuery_FindNearest{
		VectorField:     &pb.StructuredQuery_FieldReference{FieldPath: "v"},
		DistanceMeasure: pb.StructuredQuery_FindNearest_EUCLIDEAN, Limit: wrapperspb.Int32(1),
		QueryVector: &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: map[string]*pb.Value{
			"__type__": {ValueType: &pb.Value_StringValue{StringValue: "__vector__"}},
			"value": {ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: []*pb.Value{
				{ValueType: &pb.Value_DoubleValue{DoubleValue: 1}},
			}}}},
		}}}},
	}
	tests := map[string]struct {
		target *pb.Target
		want   string
	}{
		"a search of the nearest":        {nearest, "REMOVE [5] Unimplemented"},
		"a negative limit":               {badLimit, "REMOVE [5] InvalidArgument"},
		"the name of a collection":       {names(5, "a"), "REMOVE [5] InvalidArgument"},
		"a document of another database": {elsewhere, "REMOVE [5] InvalidArgument"},
		"a parent that is a collection":  {asks(5, testDocs+"/a", ask), "REMOVE [5] InvalidArgument"},
		"a parent of another database":   {asks(5, otherDocs, ask), "REMOVE [5] InvalidArgument"},
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
		old := timestamppb.New(w.time.Add(-48 * time.Hour))
		tests := map[string]*pb.Target{
			"a token of another server":   {ResumeType: &pb.Target_ResumeToken{ResumeToken: newFeeds().token(w.time)}},
			"a token that is none":        {ResumeType: &pb.Target_ResumeToken{ResumeToken: []byte("x")}},
			"a time to come":              {ResumeType: &pb.Target_ReadTime{ReadTime: timestamppb.New(w.time.Add(time.Hour))}},
			"a time out of the history":   {ResumeType: &pb.Target_ReadTime{ReadTime: old}},
			"fewer documents than it had": {ResumeType: token, ExpectedCount: wrapperspb.Int32(1)},
		}
		for name, target := range tests {
			target.TargetId, target.TargetType = 2, where(2, 2, 0).TargetType
			w.add(target)
			wants(t, w, name,
				"ADD [2]", "RESET [2]", "change a/2 n=2 in [2]", "change a/3 n=3 in [2]", "CURRENT [2]", "snapshot")
			w.remove(2)
			w.read(t)
		}
		known := where(2, 2, 0)
		known.ResumeType, known.ExpectedCount = token, wrapperspb.Int32(2)
		w.add(known)
		wants(t, w, "as many documents as it had", "ADD [2]", "CURRENT [2]", "snapshot")
	})
}

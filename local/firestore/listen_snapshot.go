package firestore

import (
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
)

// snapshot gathers what the targets of a stream tell of the documents at one moment, so that each is told once.
type snapshot struct {
	order []*news
	news  map[string]*news
}

// news is what a stream tells of a document.
type news struct {
	path string
	doc  *database.Document // nil if there is none
	in   []*target          // whose results it is in
	out  []int32            // whose results it has left
}

func (s *snapshot) add(t *target, deltas []delta) {
	if s.news == nil {
		s.news = make(map[string]*news, len(deltas))
	}
	for _, d := range deltas {
		n := s.news[d.path]
		if n == nil {
			n = &news{path: d.path, doc: d.doc}
			s.news[d.path] = n
			s.order = append(s.order, n)
		}
		if d.in {
			n.in = append(n.in, t)
		} else {
			n.out = append(n.out, t.id)
		}
	}
}

// responses are the messages about a document of a database. Targets that want different fields get a message each.
func (n *news) responses(db string, at time.Time) []*pb.ListenResponse {
	name := db + "/documents/" + n.path
	switch {
	case n.doc == nil:
		return []*pb.ListenResponse{{ResponseType: &pb.ListenResponse_DocumentDelete{DocumentDelete: &pb.DocumentDelete{
			Document: name, RemovedTargetIds: n.out, ReadTime: timestamppb.New(at),
		}}}}
	case len(n.in) == 0:
		return []*pb.ListenResponse{{ResponseType: &pb.ListenResponse_DocumentRemove{DocumentRemove: &pb.DocumentRemove{
			Document: name, RemovedTargetIds: n.out, ReadTime: timestamppb.New(at),
		}}}}
	}
	var responses []*pb.ListenResponse
	var whole *pb.DocumentChange // for all targets that want the whole document
	for _, t := range n.in {
		if whole != nil && !t.source.projects() {
			whole.TargetIds = append(whole.TargetIds, t.id)
			continue
		}
		change := &pb.DocumentChange{TargetIds: []int32{t.id}, Document: &pb.Document{
			Name: name, Fields: t.source.project(n.doc),
			CreateTime: timestamppb.New(n.doc.CreateTime), UpdateTime: timestamppb.New(n.doc.UpdateTime),
		}}
		if !t.source.projects() {
			whole = change
		}
		responses = append(responses, &pb.ListenResponse{
			ResponseType: &pb.ListenResponse_DocumentChange{DocumentChange: change},
		})
	}
	responses[0].GetDocumentChange().RemovedTargetIds = n.out
	return responses
}

package firestore

import (
	"slices"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

// target is what a client listens to.
type target struct {
	id     int32
	source source
}

// add adds a target, and tells all there is at the moment. A target that is refused is removed with the cause, and the
// stream goes on.
func (l *listener) add(p *pb.Target) error {
	id, err := l.number(p.GetTargetId())
	if err != nil {
		return l.removed(p.GetTargetId(), err)
	}
	if l.find(id) >= 0 {
		// To remove it with a cause would look as if the target that is there were gone.
		return status.Errorf(codes.InvalidArgument, "adding target %d: this stream has one; remove it first", id)
	}
	src, err := l.server.source(l.db.Name(), p)
	if err != nil {
		return l.removed(id, err)
	}
	l.feed.subscribe(l.inbox, src.topics())
	now, err := l.catchUp()
	if err != nil {
		return err
	}
	t := &target{id, src}
	l.targets = append(l.targets, t)
	if err := l.begin(t, p, now); err != nil || !p.GetOnce() {
		return err
	}
	return l.remove(id)
}

// number is the id of a target to be added, by the rules that the API has for ids.
func (l *listener) number(id int32) (int32, error) {
	switch {
	case id < 0:
		return 0, status.Errorf(codes.InvalidArgument, "adding target %d: an id must be positive", id)
	case id > 0 && l.numbers:
		return 0, status.Errorf(codes.InvalidArgument,
			"adding target %d: the server numbers the targets of this stream, since one had no id; leave it out", id)
	case id > 0:
		return id, nil
	}
	l.numbers = true
	for id = 1; l.find(id) >= 0; id++ {
	}
	return id, nil
}

func (l *listener) find(id int32) int {
	return slices.IndexFunc(l.targets, func(t *target) bool { return t.id == id })
}

// remove removes a target. One that is not there was refused, or had been asked for once.
func (l *listener) remove(id int32) error {
	i := l.find(id)
	if i < 0 {
		return nil
	}
	l.feed.unsubscribe(l.inbox, l.targets[i].source.topics())
	l.targets = slices.Delete(l.targets, i, i+1)
	return l.removed(id, nil)
}

func (l *listener) removed(id int32, cause error) error {
	return l.change(&pb.TargetChange{
		TargetChangeType: pb.TargetChange_REMOVE, TargetIds: []int32{id}, Cause: status.Convert(cause).Proto(),
	})
}

// begin tells a target's state at a moment: all of it, or what has changed since the moment that the client knows.
func (l *listener) begin(t *target, p *pb.Target, now database.View) error {
	ids := []int32{t.id}
	if err := l.change(&pb.TargetChange{TargetChangeType: pb.TargetChange_ADD, TargetIds: ids}); err != nil {
		return err
	}
	before := l.resumed(t, p)
	if before == nil && p.GetResumeType() != nil {
		if err := l.change(&pb.TargetChange{TargetChangeType: pb.TargetChange_RESET, TargetIds: ids}); err != nil {
			return err
		}
	}
	var s snapshot
	s.add(t, t.source.begin(before, now))
	if err := l.tell(&s, now.Time()); err != nil {
		return err
	}
	if err := l.change(l.at(pb.TargetChange_CURRENT, ids, now.Time())); err != nil {
		return err
	}
	return l.change(l.at(pb.TargetChange_NO_CHANGE, nil, now.Time()))
}

// resumed is the moment that the client knows already; nil if it has to be told everything, because the history of
// that moment is gone, or because the client does not have as many documents as there were.
func (l *listener) resumed(t *target, p *pb.Target) database.View {
	var at time.Time
	switch r := p.GetResumeType().(type) {
	case *pb.Target_ResumeToken:
		known, ok := l.server.feeds.moment(r.ResumeToken)
		if !ok {
			return nil
		}
		at = known
	case *pb.Target_ReadTime:
		at = r.ReadTime.AsTime()
	default:
		return nil
	}
	before, err := l.db.At(at)
	if err != nil {
		return nil
	}
	if n := p.GetExpectedCount(); n != nil && int(n.GetValue()) != len(t.source.result(before)) {
		return nil
	}
	return before
}

// source is what a target asks for.
func (s *Server) source(db string, p *pb.Target) (source, error) {
	switch t := p.GetTargetType().(type) {
	case *pb.Target_Documents:
		return namedDocuments(db, t.Documents.GetDocuments())
	case *pb.Target_Query:
		if q := t.Query.GetStructuredQuery(); q != nil {
			return s.queried(db, t.Query.GetParent(), q)
		}
	}
	return nil, status.Error(codes.InvalidArgument, "adding a target: it must have documents or a structured query")
}

func namedDocuments(db string, names []string) (source, error) {
	var paths documents
	for _, name := range names {
		path, err := documentPath(db, name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func (s *Server) queried(db, parent string, p *pb.StructuredQuery) (source, error) {
	path, err := parentPath(db, parent)
	if err != nil {
		return nil, err
	}
	q, err := query.Parse(db, path, p)
	if err != nil {
		return nil, err
	}
	if q.Search() {
		return nil, status.Error(codes.Unimplemented, "adding a target: find_nearest cannot be listened to")
	}
	if err := s.indexes.Check(db, q); err != nil {
		return nil, err
	}
	m := matches{query: q, projected: p.GetSelect() != nil}
	if !q.Limited() {
		return &m, nil
	}
	return &window{matches: m, offset: int(p.GetOffset()), limit: int(p.GetLimit().GetValue())}, nil
}

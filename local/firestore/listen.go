package firestore

import (
	"io"
	"sync"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/database"
)

// heartbeat is how often a stream at rest tells its client a later read time. Its resume token stays young by that, so
// that the history still knows it when the client comes back.
const heartbeat = 30 * time.Second

// listener is one stream and its targets. Only the stream's own goroutine uses it.
type listener struct {
	server  *Server
	rpc     pb.Firestore_ListenServer
	db      *database.Database // nil until the first request
	feed    *feed
	inbox   *inbox
	targets []*target
	numbers bool // the server numbers the targets
}

// Listen tells a client of the documents of its targets, and of each commit that changes them: all that the commit
// changed for the stream, and then the moment that the client knows now.
func (s *Server) Listen(rpc pb.Firestore_ListenServer) error {
	l := &listener{server: s, rpc: rpc, inbox: newInbox()}
	defer l.close()
	requests := receive(rpc)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case r := <-requests:
			if r.err == io.EOF {
				return nil
			}
			err = l.handle(r)
		case <-l.inbox.ready:
			err = l.deliver(l.inbox.take())
		case <-beat.C:
			err = l.rest()
		case <-rpc.Context().Done():
			err = status.FromContextError(rpc.Context().Err()).Err()
		}
		if err != nil {
			return err
		}
	}
}

// received is what a client sent, or that it sends no more.
type received struct {
	request *pb.ListenRequest
	err     error
}

// receive receives until the stream ends.
func receive(rpc pb.Firestore_ListenServer) <-chan received {
	requests := make(chan received)
	go func() {
		for {
			r, err := rpc.Recv()
			select {
			case requests <- received{r, err}:
			case <-rpc.Context().Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return requests
}

func (l *listener) close() {
	if l.feed != nil {
		l.server.feeds.leave(l.db, l.inbox)
	}
}

func (l *listener) handle(r received) error {
	if r.err != nil {
		return r.err
	}
	if err := l.open(r.request.GetDatabase()); err != nil {
		return err
	}
	switch c := r.request.GetTargetChange().(type) {
	case *pb.ListenRequest_AddTarget:
		return l.add(c.AddTarget)
	case *pb.ListenRequest_RemoveTarget:
		return l.remove(c.RemoveTarget)
	}
	return status.Error(codes.InvalidArgument, "listening: a request must have add_target or remove_target")
}

// open opens the database that the stream's first request names. The others must name the same.
func (l *listener) open(name string) error {
	if l.db != nil && l.db.Name() != name {
		return status.Errorf(codes.InvalidArgument,
			"listening: this stream is about database %q, so all its requests must name that, not %q", l.db.Name(), name)
	}
	if l.db != nil {
		return nil
	}
	db, err := l.server.store.Database(name)
	if err != nil {
		return err
	}
	l.db, l.feed = db, l.server.feeds.join(db)
	return nil
}

// catchUp delivers what has been committed, and answers the moment up to which it did.
func (l *listener) catchUp() (database.View, error) {
	for {
		now, stop := l.db.Watch(func(database.Batch) {})
		stop()
		if batches, ok := l.inbox.takeUntil(now.Time()); ok {
			return now, l.deliver(batches)
		}
	}
}

// deliver tells of commits: one snapshot each.
func (l *listener) deliver(batches []database.Batch) error {
	for _, b := range batches {
		after := sync.OnceValues(func() (database.View, error) { return l.db.At(b.Time) })
		var s snapshot
		for _, t := range l.targets {
			deltas, err := t.source.update(b, after)
			if err != nil {
				return status.Errorf(codes.Unavailable,
					"listening: the stream has fallen behind the history that is kept; listen again: %v", err)
			}
			s.add(t, deltas)
		}
		if len(s.order) == 0 {
			continue
		}
		if err := l.tell(&s, b.Time); err != nil {
			return err
		}
		if err := l.change(l.at(pb.TargetChange_NO_CHANGE, nil, b.Time)); err != nil {
			return err
		}
	}
	return nil
}

// rest tells a stream that all it knows holds until now.
func (l *listener) rest() error {
	if len(l.targets) == 0 {
		return nil
	}
	now, err := l.catchUp()
	if err != nil {
		return err
	}
	return l.change(l.at(pb.TargetChange_NO_CHANGE, nil, now.Time()))
}

func (l *listener) tell(s *snapshot, at time.Time) error {
	for _, n := range s.order {
		for _, r := range n.responses(l.db.Name(), at) {
			if err := l.rpc.Send(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listener) change(c *pb.TargetChange) error {
	return l.rpc.Send(&pb.ListenResponse{ResponseType: &pb.ListenResponse_TargetChange{TargetChange: c}})
}

// at is a change of targets, all if there are no ids, that are consistent at a moment, from which they can be resumed.
func (l *listener) at(kind pb.TargetChange_TargetChangeType, ids []int32, t time.Time) *pb.TargetChange {
	return &pb.TargetChange{
		TargetChangeType: kind, TargetIds: ids, ReadTime: timestamppb.New(t), ResumeToken: l.server.feeds.token(t),
	}
}

package likeness

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A plant changes what a server answers. It is called with each message, or with the error that comes instead.
type plant func(message any, err error) error

// plants are mistakes that a server might make, one each.
var plants = map[string]plant{
	"another code": func(_ any, err error) error {
		if status.Code(err) == codes.AlreadyExists {
			return status.Error(codes.FailedPrecondition, "planted")
		}
		return err
	},
	"a document is not found by queries": func(m any, err error) error {
		if r, ok := m.(*pb.RunQueryResponse); ok && r.Document.GetFields()["f"].GetIntegerValue() == 1 {
			r.Document = nil
		}
		return err
	},
	"-0 becomes 0": func(m any, err error) error {
		changeValues(m, func(v *pb.Value) {
			if d, ok := v.ValueType.(*pb.Value_DoubleValue); ok && d.DoubleValue == 0 && math.Signbit(d.DoubleValue) {
				d.DoubleValue = 0
			}
		})
		return err
	},
	"1.0 becomes 1": func(m any, err error) error {
		changeValues(m, func(v *pb.Value) {
			if v.GetDoubleValue() == 1 {
				v.ValueType = &pb.Value_IntegerValue{IntegerValue: 1}
			}
		})
		return err
	},
	"a write that changes nothing has a new time": func(m any, err error) error {
		if r, ok := m.(*pb.CommitResponse); ok {
			for _, w := range r.WriteResults {
				if w.UpdateTime != nil {
					w.UpdateTime = r.CommitTime
				}
			}
		}
		return err
	},
	"results of transforms are lost": func(m any, err error) error {
		if r, ok := m.(*pb.CommitResponse); ok {
			for _, w := range r.WriteResults {
				w.TransformResults = nil
			}
		}
		return err
	},
	"the last page has a successor": func(m any, err error) error {
		if r, ok := m.(*pb.ListDocumentsResponse); ok && r.NextPageToken == "" {
			r.NextPageToken = "planted"
		}
		return err
	},
	"a count is one too high": func(m any, err error) error {
		if r, ok := m.(*pb.RunAggregationQueryResponse); ok {
			for _, v := range r.Result.GetAggregateFields() {
				if i, ok := v.ValueType.(*pb.Value_IntegerValue); ok && i.IntegerValue > 1 {
					i.IntegerValue++
				}
			}
		}
		return err
	},
	"skipped results are not told": func(m any, err error) error {
		if r, ok := m.(*pb.RunQueryResponse); ok {
			r.SkippedResults = 0
		}
		return err
	},
	"a read is older than it says": func(m any, err error) error {
		if r, ok := m.(*pb.BatchGetDocumentsResponse); ok && r.ReadTime != nil {
			r.ReadTime.Seconds -= 60
		}
		return err
	},
	"a listener does not hear of deletes": func(m any, err error) error {
		if r, ok := m.(*pb.ListenResponse); ok && r.GetDocumentDelete() != nil {
			r.GetDocumentDelete().RemovedTargetIds = nil
		}
		return err
	},
	"a listener hears of documents without a place in the query": func(m any, err error) error {
		if r, ok := m.(*pb.ListenResponse); ok && r.GetTargetChange().GetTargetChangeType() == pb.TargetChange_RESET {
			r.ResponseType = nil
		}
		return err
	},
	"a listener is given the document without a field": func(m any, err error) error {
		if r, ok := m.(*pb.ListenResponse); ok {
			delete(r.GetDocumentChange().GetDocument().GetFields(), "f")
		}
		return err
	},
}

func changeValues(m any, change func(*pb.Value)) {
	message, ok := m.(proto.Message)
	if !ok {
		return
	}
	edit(message, func(_ protoreflect.Name, v protoreflect.Value) protoreflect.Value {
		if m, ok := v.Interface().(protoreflect.Message); ok {
			if v, ok := m.Interface().(*pb.Value); ok {
				change(v)
			}
		}
		return v
	})
}

// dialPlanted connects to a server that makes a mistake.
func dialPlanted(t testing.TB, host string, p plant) *server {
	unary := func(ctx context.Context, method string, q, r any, c *grpc.ClientConn, call grpc.UnaryInvoker, o ...grpc.CallOption) error {
		return p(r, call(ctx, method, q, r, c, o...))
	}
	stream := func(ctx context.Context, d *grpc.StreamDesc, c *grpc.ClientConn, method string, open grpc.Streamer, o ...grpc.CallOption) (grpc.ClientStream, error) {
		s, err := open(ctx, d, c, method, o...)
		return plantedStream{s, p}, err
	}
	return dial(t, "planted", host, grpc.WithUnaryInterceptor(unary), grpc.WithStreamInterceptor(stream))
}

type plantedStream struct {
	grpc.ClientStream
	plant plant
}

func (s plantedStream) RecvMsg(m any) error { return s.plant(m, s.ClientStream.RecvMsg(m)) }

// quiet is a test that may fail without failing the one that it is in.
type quiet struct {
	testing.TB
	failed bool
}

func (q *quiet) Errorf(string, ...any) { q.failed = true }
func (q *quiet) Fatalf(string, ...any) { q.FailNow() }
func (q *quiet) Logf(string, ...any)   {}
func (q *quiet) Log(...any)            {}
func (q *quiet) Failed() bool          { return q.failed }
func (q *quiet) FailNow()              { q.failed = true; runtime.Goexit() }

func TestAMistakeOfEveryKindIsFound(t *testing.T) {
	needGoogle(t)
	for name, p := range plants {
		t.Run(name, func(t *testing.T) {
			c := &comparison{google: dial(t, "google", googleHost), ours: dialPlanted(t, googleHost, p), tally: newTally()}
			q := &quiet{TB: t}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				c.compareAll(q, 20000, time.Nanosecond)
			}()
			<-ended
			if !q.failed {
				t.Errorf("not found among %d operations", c.tally.compared())
			}
		})
	}
}

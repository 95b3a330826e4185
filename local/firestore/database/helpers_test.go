package database

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var background = context.Background()

const testDB = "projects/p/databases/(default)"

// clock is a clock that stands still unless it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func open(t fataler, now func() time.Time) *Database {
	t.Helper()
	db, err := NewStore(Options{Now: now}).Database(testDB)
	if err != nil {
		t.Fatalf("open %s: %v", testDB, err)
	}
	return db
}

func must(t fataler, db *Database, writes ...*pb.Write) *pb.CommitResponse {
	t.Helper()
	r, err := db.Commit(background, nil, writes)
	if err != nil {
		t.Fatalf("commit %v: %v", writes, err)
	}
	return r
}

func wantCode(t *testing.T, doing string, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("%s: got %s (%v), want %s", doing, got, err, want)
	}
}

// val makes a value of what Go has for it.
func val(v any) *pb.Value {
	switch v := v.(type) {
	case nil:
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	case bool:
		return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: v}}
	case int:
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: int64(v)}}
	case float64:
		return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: v}}
	case string:
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: v}}
	case []byte:
		return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: v}}
	case time.Time:
		return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(v)}}
	case fields:
		return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: v.values()}}}
	case []any:
		return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: array(v...)}}
	case *pb.Value:
		return v
	}
	panic(fmt.Sprintf("a value of type %T", v))
}

func array(vs ...any) *pb.ArrayValue {
	a := &pb.ArrayValue{}
	for _, v := range vs {
		a.Values = append(a.Values, val(v))
	}
	return a
}

type fields map[string]any

func (f fields) values() map[string]*pb.Value {
	m := map[string]*pb.Value{}
	for k, v := range f {
		m[k] = val(v)
	}
	return m
}

func put(path string, f fields) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: testDB + "/documents/" + path, Fields: f.values()}}}
}

// merge sets what is in a mask; "" is the empty mask.
func merge(path string, f fields, mask ...string) *pb.Write {
	w := put(path, f)
	w.UpdateMask = &pb.DocumentMask{FieldPaths: slices.DeleteFunc(mask, func(s string) bool { return s == "" })}
	return w
}

func del(path string) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Delete{Delete: testDB + "/documents/" + path}}
}

func exists(w *pb.Write, e bool) *pb.Write {
	w.CurrentDocument = &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: e}}
	return w
}

func updatedAt(w *pb.Write, t *timestamppb.Timestamp) *pb.Write {
	w.CurrentDocument = &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: t}}
	return w
}

type ft = pb.DocumentTransform_FieldTransform

func with(w *pb.Write, ts ...*ft) *pb.Write {
	w.UpdateTransforms = ts
	return w
}

func increment(path string, v any) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_Increment{Increment: val(v)}}
}

func maximum(path string, v any) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_Maximum{Maximum: val(v)}}
}

func minimum(path string, v any) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_Minimum{Minimum: val(v)}}
}

func arrayUnion(path string, vs ...any) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_AppendMissingElements{
		AppendMissingElements: array(vs...),
	}}
}

func arrayRemove(path string, vs ...any) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_RemoveAllFromArray{
		RemoveAllFromArray: array(vs...),
	}}
}

func requestTime(path string) *ft {
	return &ft{FieldPath: path, TransformType: &pb.DocumentTransform_FieldTransform_SetToServerValue{
		SetToServerValue: pb.DocumentTransform_FieldTransform_REQUEST_TIME,
	}}
}

// show is a document in a form to compare and read: "-" if there is none.
func show(d *Document) string {
	if d == nil {
		return "-"
	}
	return showValue(&pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: d.Fields()}}})
}

func showValue(v *pb.Value) string {
	switch k := v.GetValueType().(type) {
	case *pb.Value_NullValue:
		return "null"
	case *pb.Value_IntegerValue:
		return fmt.Sprint(k.IntegerValue)
	case *pb.Value_DoubleValue:
		if k.DoubleValue == 0 && math.Signbit(k.DoubleValue) {
			return "-0.0"
		}
		if s := fmt.Sprint(k.DoubleValue); strings.ContainsAny(s, ".einN") {
			return s
		}
		return fmt.Sprintf("%.1f", k.DoubleValue)
	case *pb.Value_StringValue:
		return fmt.Sprintf("%q", k.StringValue)
	case *pb.Value_TimestampValue:
		return k.TimestampValue.AsTime().Format(time.RFC3339Nano)
	case *pb.Value_MapValue:
		var s []string
		for name, v := range k.MapValue.GetFields() {
			s = append(s, name+":"+showValue(v))
		}
		slices.Sort(s)
		return "{" + strings.Join(s, " ") + "}"
	case *pb.Value_ArrayValue:
		var s []string
		for _, v := range k.ArrayValue.GetValues() {
			s = append(s, showValue(v))
		}
		return "[" + strings.Join(s, " ") + "]"
	}
	return protojson.Format(v)
}

// byName is the index of a collection by its documents' names.
func byName(s Scope) Index {
	return Index{Scope: s, Name: "name", Keys: func(d *Document) [][]byte { return [][]byte{[]byte(d.Path)} }}
}

func paths(v View, i Index) (found []string) {
	for _, d := range v.Scan(i, nil, nil, false) {
		found = append(found, d.Path)
	}
	return found
}

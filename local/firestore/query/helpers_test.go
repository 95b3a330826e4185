package query_test

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/internal/store"
	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
)

const (
	project   = "projects/p/databases/(default)"
	documents = project + "/documents/"
)

type (
	list   []any
	object map[string]any
	ref    string // below documents
	vector []float64
)

var nan = math.NaN()

// lit is a value as Firestore writes it.
func lit(v any) *pb.Value {
	switch v := v.(type) {
	case nil:
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	case bool:
		return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: v}}
	case int:
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: int64(v)}}
	case float64:
		return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: v}}
	case time.Time:
		return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(v)}}
	case string:
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: v}}
	case []byte:
		return &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: v}}
	case ref:
		return &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: documents + string(v)}}
	case *latlng.LatLng:
		return &pb.Value{ValueType: &pb.Value_GeoPointValue{GeoPointValue: v}}
	case list:
		return &pb.Value{ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{Values: lits(v...)}}}
	case vector:
		var values list
		for _, d := range v {
			values = append(values, d)
		}
		return lit(object{"__type__": "__vector__", "value": values})
	case object:
		return &pb.Value{ValueType: &pb.Value_MapValue{MapValue: &pb.MapValue{Fields: fields(v)}}}
	case *pb.Value:
		return v
	}
	panic(fmt.Sprintf("no value: %T", v))
}

func lits(vs ...any) (values []*pb.Value) {
	for _, v := range vs {
		values = append(values, lit(v))
	}
	return values
}

func fields(o object) map[string]*pb.Value {
	m := map[string]*pb.Value{}
	for k, v := range o {
		m[k] = lit(v)
	}
	return m
}

func document(path string, o object) *database.Document {
	return database.NewDocument(path, fields(o), time.Unix(1, 0), time.Unix(2, 0))
}

type (
	structured = pb.StructuredQuery
	condition  = *pb.StructuredQuery_Filter
)

func field(path string) *pb.StructuredQuery_FieldReference {
	return &pb.StructuredQuery_FieldReference{FieldPath: path}
}

var symbols = map[string]pb.StructuredQuery_FieldFilter_Operator{
	"==": pb.StructuredQuery_FieldFilter_EQUAL, "!=": pb.StructuredQuery_FieldFilter_NOT_EQUAL,
	"<": pb.StructuredQuery_FieldFilter_LESS_THAN, "<=": pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL,
	">": pb.StructuredQuery_FieldFilter_GREATER_THAN, ">=": pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL,
	"contains": pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS, "contains any": pb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY,
	"in": pb.StructuredQuery_FieldFilter_IN, "not in": pb.StructuredQuery_FieldFilter_NOT_IN,
}

var unaries = map[string]pb.StructuredQuery_UnaryFilter_Operator{
	"is null": pb.StructuredQuery_UnaryFilter_IS_NULL, "is not null": pb.StructuredQuery_UnaryFilter_IS_NOT_NULL,
	"is nan": pb.StructuredQuery_UnaryFilter_IS_NAN, "is not nan": pb.StructuredQuery_UnaryFilter_IS_NOT_NAN,
}

func where(path, op string, v any) condition {
	f := &pb.StructuredQuery_FieldFilter{Field: field(path), Op: symbols[op], Value: lit(v)}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{FieldFilter: f}}
}

func unary(path, op string) condition {
	f := &pb.StructuredQuery_UnaryFilter{Op: unaries[op], OperandType: &pb.StructuredQuery_UnaryFilter_Field{Field: field(path)}}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_UnaryFilter{UnaryFilter: f}}
}

func composite(op pb.StructuredQuery_CompositeFilter_Operator, fs ...condition) condition {
	f := &pb.StructuredQuery_CompositeFilter{Op: op, Filters: fs}
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: f}}
}

func and(fs ...condition) condition { return composite(pb.StructuredQuery_CompositeFilter_AND, fs...) }
func or(fs ...condition) condition  { return composite(pb.StructuredQuery_CompositeFilter_OR, fs...) }

// option changes a query.
type option func(*structured)

// orderBy is by paths, descending with a minus before.
func orderBy(paths ...string) option {
	return func(q *structured) {
		for _, path := range paths {
			direction := pb.StructuredQuery_ASCENDING
			if after, ok := strings.CutPrefix(path, "-"); ok {
				path, direction = after, pb.StructuredQuery_DESCENDING
			}
			q.OrderBy = append(q.OrderBy, &pb.StructuredQuery_Order{Field: field(path), Direction: direction})
		}
	}
}

func startAt(vs ...any) option {
	return func(q *structured) { q.StartAt = &pb.Cursor{Values: lits(vs...), Before: true} }
}
func startAfter(vs ...any) option {
	return func(q *structured) { q.StartAt = &pb.Cursor{Values: lits(vs...)} }
}
func endAt(vs ...any) option {
	return func(q *structured) { q.EndAt = &pb.Cursor{Values: lits(vs...)} }
}
func endBefore(vs ...any) option {
	return func(q *structured) { q.EndAt = &pb.Cursor{Values: lits(vs...), Before: true} }
}
func limit(n int32) option  { return func(q *structured) { q.Limit = wrapperspb.Int32(n) } }
func offset(n int32) option { return func(q *structured) { q.Offset = n } }
func sel(paths ...string) option {
	return func(q *structured) {
		q.Select = &pb.StructuredQuery_Projection{}
		for _, path := range paths {
			q.Select.Fields = append(q.Select.Fields, field(path))
		}
	}
}

// from is a query of a collection, "" is all; all of them in the group with "*/" before.
func from(collection string, f condition, options ...option) *structured {
	id, group := strings.CutPrefix(collection, "*/")
	q := &structured{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: id, AllDescendants: group}}, Where: f}
	for _, o := range options {
		o(q)
	}
	return q
}

// view is documents of one moment, without any database; it counts what is taken of its indexes.
type view struct {
	documents []*database.Document
	scanned   int
	names     map[string]bool // indexes
}

func (v *view) Time() time.Time                    { return time.Unix(3, 0) }
func (v *view) Collections(string) []string        { panic("not asked for") }
func (v *view) Missing(string) iter.Seq[string]    { panic("not asked for") }
func (v *view) Get(path string) *database.Document { panic("not asked for") }
func (v *view) add(path string, o object)          { v.documents = append(v.documents, document(path, o)) }

func (v *view) Scan(i database.Index, from, to []byte, descending bool) iter.Seq2[[]byte, *database.Document] {
	type entry struct {
		key []byte
		d   *database.Document
	}
	if v.names == nil {
		v.names = map[string]bool{}
	}
	v.names[i.Name] = true
	var entries []entry
	for _, d := range v.documents {
		if !i.Scope.Contains(d.Path) {
			continue
		}
		for _, key := range i.Keys(d) {
			if bytes.Compare(key, from) >= 0 && (to == nil || bytes.Compare(key, to) < 0) {
				entries = append(entries, entry{key, d})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	if descending {
		slices.Reverse(entries)
	}
	return func(yield func([]byte, *database.Document) bool) {
		for _, e := range entries {
			v.scanned++
			if !yield(e.key, e.d) {
				return
			}
		}
	}
}

// run is the ids, or paths, of a query's result.
func run(t testing.TB, v database.View, parent string, s *structured) string {
	t.Helper()
	q, err := query.Parse(project, parent, s)
	if err != nil {
		t.Fatalf("%v: %v", s, err)
	}
	found, _ := q.Run(v)
	return paths(found)
}

func paths(found []*database.Document) string {
	var all []string
	for _, d := range found {
		all = append(all, d.Path)
	}
	return strings.Join(all, " ")
}

// relocated is a query with its references in the database shop.
func relocated(s *structured) *structured {
	text, err := prototext.Marshal(s)
	if err == nil {
		err = prototext.Unmarshal(bytes.ReplaceAll(text, []byte(project), []byte("projects/p/databases/shop")), s)
	}
	if err != nil {
		panic(err)
	}
	return s
}

// read is a file of this project's definition.
func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := store.Indexes.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

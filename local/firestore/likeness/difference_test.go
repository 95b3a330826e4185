package likeness

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/query"
)

// difference is one of those that are known: Google's emulator is unlike Firestore, and ours is not.
type difference struct {
	emulator  string // what Google's emulator does
	firestore string // what Firestore does, and who says so
	is        func(s *sequence, request proto.Message, google, ours answer) bool
}

// Who says so.
const (
	quotas       = "https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields"
	rpcReference = "https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1"
)

var differences = []difference{
	{
		emulator:  "an exception of its own is UNKNOWN, without a message",
		firestore: "What is wrong with a request is INVALID_ARGUMENT: https://google.aip.dev/193",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return google.code == codes.Unknown && google.message == "" && (ours.code == codes.InvalidArgument || crashes(request))
		},
	},
	{
		emulator:  "an empty commit has no commit_time",
		firestore: "It is the time at which the commit occurred: " + rpcReference + "#commitresponse",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.CommitRequest)
			return ok && len(q.Writes) == 0 && google.code == codes.OK && ours.code == codes.OK
		},
	},
	{
		emulator:  "names of another database than the request's are taken",
		firestore: "A name is in the request's database: " + rpcReference + "#document",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && hasString(request, foreign)
		},
	},
	{
		emulator:  "names and fields' names may be longer and deeper than documents' in what is only read or transformed, or in maps",
		firestore: "1500 bytes, 100 collections, 20 maps: " + quotas,
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && hasString(request, beyondLimits)
		},
	},
	{
		emulator:  "any id is a database's",
		firestore: "Letters, digits and hyphens, 4 to 63: https://cloud.google.com/firestore/docs/manage-databases#database_id",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && hasString(request, func(s string) bool { return strings.HasSuffix(s, "/databases/_") })
		},
	},
	{
		emulator:  "of a malformed write, its precondition is looked at first",
		firestore: "A malformed request is refused whatever the state: https://google.aip.dev/193",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			conditional := false
			for _, w := range written(request) {
				conditional = conditional || w.CurrentDocument != nil
			}
			_, creates := request.(*pb.CreateDocumentRequest)
			return ours.code == codes.InvalidArgument && (conditional || creates) &&
				(google.code == codes.NotFound || google.code == codes.AlreadyExists || google.code == codes.FailedPrecondition)
		},
	},
	{
		emulator:  "of several writes of a document, it is what becomes of it whose fields' names and sizes are checked",
		firestore: "A malformed request is refused whatever the state: https://google.aip.dev/193",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && rewrites(request)
		},
	},
	{
		emulator:  "a deleted document has an update_time, that of its deletion",
		firestore: "A precondition's update_time is that of a document which must exist: " + rpcReference + "#precondition",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			timed := func(w *pb.Write) bool { return w.CurrentDocument.GetUpdateTime() != nil }
			return slices.ContainsFunc(written(request), timed) &&
				google.code == codes.NotFound && ours.code == codes.FailedPrecondition
		},
	},
	{
		emulator:  "a transform may put an array or a vector into an array, which the emulator does not let documents have",
		firestore: "An array cannot contain another array: https://firebase.google.com/docs/firestore/manage-data/data-types",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && transformsNested(request)
		},
	},
	{
		emulator:  "select without fields is only the names",
		firestore: "If empty, all fields are returned: " + rpcReference + "#projection",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q := structured(request)
			return q.GetSelect() != nil && len(q.Select.Fields) == 0 && google.code == codes.OK && ours.code == codes.OK
		},
	},
	{
		emulator:  "a mask is ignored where missing documents are shown",
		firestore: "The mask says which fields are returned: " + rpcReference + "#listdocumentsrequest",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.ListDocumentsRequest)
			return ok && q.ShowMissing && q.Mask != nil && google.code == codes.OK && ours.code == codes.OK
		},
	},
	{
		emulator:  "what is no document any more, but has some below, has the update_time of its deletion",
		firestore: "Missing documents have no update_time: " + rpcReference + "#listdocumentsrequest",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.ListDocumentsRequest)
			return ok && q.ShowMissing && strings.Join(ours.body, "") == deletion.ReplaceAllString(strings.Join(google.body, ""), "$1")
		},
	},
	{
		emulator:  "__name__, or what is in it, may be transformed",
		firestore: "Names of fields cannot match __.*__: " + quotas,
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && hasString(request, func(s string) bool { return strings.HasPrefix(s+".", "__name__.") })
		},
	},
	{
		emulator:  "the operator is not looked at if a field is compared with null or NaN",
		firestore: "OPERATOR_UNSPECIFIED must not be used: " + rpcReference + "#operator",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && unspecified(structured(request).GetWhere())
		},
	},
	{
		emulator:  "a read-write transaction reads what is newest, and locks it",
		firestore: "Transactions are serializable, which needs one moment for all reads, or locks: https://firebase.google.com/docs/firestore/transaction-data-contention",
		is: func(s *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(interface{ GetTransaction() []byte })
			return ok && s.transactionOf(q.GetTransaction()).older(s.writes)
		},
	},
	{
		emulator:  "ids like __id7__ are taken",
		firestore: "Ids cannot match __.*__: " + quotas,
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return stricter(google, ours) && hasString(request, numericID.MatchString)
		},
	},
	{
		emulator:  "the read_time is looked at before the query, and one that is no time is only too old",
		firestore: "A malformed request is refused whatever the state: https://google.aip.dev/193",
		is: func(s *sequence, request proto.Message, google, ours answer) bool {
			at, now := withoutReadTime(request)
			return at != nil && google.code == codes.FailedPrecondition && ours.code == codes.InvalidArgument &&
				(at.CheckValid() != nil || !at.AsTime().After(time.Unix(0, 0)) || s.sides[0].do(s.sides[0].context, now).code == codes.InvalidArgument)
		},
	},
	{
		emulator:  "asks for an index that it cannot have, __name__ descending, but for none that it could",
		firestore: "Asks for both, as ours does in strict mode: https://github.com/firebase/flutterfire/issues/4398",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return nameBackwards(request) && (google.code == codes.FailedPrecondition && refusedInStrictMode(request) ||
				google.code == codes.InvalidArgument && ours.code == codes.FailedPrecondition) // for a transaction's sake
		},
	},
	{
		emulator:  "documents are listed as of now, whatever the read_time is",
		firestore: "As of the read_time, which is within the last hour, or a whole minute of the last week: " + rpcReference + "#listdocumentsrequest",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.ListDocumentsRequest)
			return ok && q.GetReadTime() != nil && google.code == codes.OK
		},
	},
	{
		emulator:  "collections are listed as of a read_time with any number of digits",
		firestore: "A microsecond precision timestamp: " + rpcReference + "#listcollectionidsrequest",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.ListCollectionIdsRequest)
			return ok && q.GetReadTime().GetNanos()%1000 != 0 && stricter(google, ours)
		},
	},
	{
		emulator:  "of documents of all collections, in no order that was asked for, a limit may leave others to aggregate",
		firestore: "Which they are, nothing says: " + rpcReference + "#structuredquery",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.RunAggregationQueryRequest)
			from := q.GetStructuredAggregationQuery().GetStructuredQuery().GetFrom()
			return ok && google.code == codes.OK && ours.code == codes.OK && structured(request).GetLimit() != nil &&
				(len(from) == 0 || from[0].GetCollectionId() == "")
		},
	},
	{
		emulator:  "averages are rounded otherwise",
		firestore: "How, nothing says; ours are the rounded sum divided by the count: https://firebase.google.com/docs/firestore/query-data/aggregation-queries",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			_, ok := request.(*pb.RunAggregationQueryRequest)
			return ok && slices.Equal(rounded(google), rounded(ours))
		},
	},
	{
		emulator:  "a transaction of another database may be tried again",
		firestore: "Its id is one of the request's database: " + rpcReference + "#begintransactionrequest",
		is: func(s *sequence, request proto.Message, google, ours answer) bool {
			again := s.transactionOf(retried(request))
			return again != nil && again.elsewhere && stricter(google, ours)
		},
	},
	{
		emulator:  "skipped results are told only now and then",
		firestore: "The number of results that an offset has skipped: " + rpcReference + "#runqueryresponse",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			return structured(request).GetOffset() > 0 && google.code == codes.OK && ours.code == codes.OK &&
				withoutSkipped(google) == withoutSkipped(ours)
		},
	},
	{
		emulator:  "listening has rules of its own for queries",
		firestore: "Whoever may run a query may listen to it: what the emulator itself answers to RunQuery",
		is: func(s *sequence, request proto.Message, google, ours answer) bool {
			q := listenedQuery(request)
			return q != nil && google.code != ours.code && s.sides[0].do(s.sides[0].context, q).code == ours.code
		},
	},
}

// breaks says whether Google's emulator sent a listener what is no message, and so ended its stream: it does, about once in
// 100,000 operations.
func breaks(google answer) bool {
	return google.code == codes.Internal && strings.Contains(google.message, "failed to unmarshal the received message")
}

// rounded is an answer with what doubles have in common that are computed in different ways.
func rounded(a answer) (body []string) {
	for _, line := range a.body {
		body = append(body, doubles.ReplaceAllStringFunc(line, func(s string) string {
			d, err := strconv.ParseFloat(s[len("double_value:"):], 64)
			if err != nil {
				return s
			}
			return strconv.FormatFloat(d, 'g', 14, 64)
		}))
	}
	return body
}

// retried is the transaction that a request begins again.
func retried(request proto.Message) []byte {
	switch q := request.(type) {
	case interface{ GetOptions() *pb.TransactionOptions }:
		return q.GetOptions().GetReadWrite().GetRetryTransaction()
	case interface {
		GetNewTransaction() *pb.TransactionOptions
	}:
		return q.GetNewTransaction().GetReadWrite().GetRetryTransaction()
	}
	return nil
}

// crashes says whether a request is one of those that are known to make Google's emulator fail.
func crashes(request proto.Message) bool {
	if at, _ := withoutReadTime(request); at != nil && at.CheckValid() != nil {
		return true
	}
	if q, ok := request.(*pb.ListDocumentsRequest); ok {
		return q.ShowMissing && q.GetTransaction() != nil || q.PageToken != "" && q.OrderBy != ""
	}
	q, ok := request.(interface {
		GetTransaction() []byte
		GetNewTransaction() *pb.TransactionOptions
	})
	from := structured(request).GetFrom()
	kindless := structured(request) != nil && (len(from) == 0 || from[0].CollectionId == "")
	return ok && kindless && (q.GetTransaction() != nil || q.GetNewTransaction() != nil)
}

var (
	deletion  = regexp.MustCompile(`(documents:\{name:"[^"]*") *update_time:\{[^}]*\}`)
	doubles   = regexp.MustCompile(`double_value:[-+0-9.e]+`)
	numericID = regexp.MustCompile(`__id-?[0-9]+__`)
)

// withoutReadTime is a request as of now, and when it was as of.
func withoutReadTime(request proto.Message) (at *timestamppb.Timestamp, now proto.Message) {
	if q, ok := request.(interface{ GetReadTime() *timestamppb.Timestamp }); ok {
		at = q.GetReadTime()
	}
	if q, ok := request.(interface {
		GetNewTransaction() *pb.TransactionOptions
	}); ok && at == nil {
		at = q.GetNewTransaction().GetReadOnly().GetReadTime()
	}
	now = proto.Clone(request)
	for _, name := range []protoreflect.Name{"read_time", "new_transaction"} {
		if field := now.ProtoReflect().Descriptor().Fields().ByName(name); field != nil {
			now.ProtoReflect().Clear(field)
		}
	}
	return at, now
}

func nameBackwards(request proto.Message) bool {
	if q, ok := request.(*pb.ListDocumentsRequest); ok {
		return q.OrderBy == "__name__ desc"
	}
	orders := structured(request).GetOrderBy()
	return len(orders) > 0 && orders[0].Field.FieldPath == nameField && orders[0].Direction == pb.StructuredQuery_DESCENDING
}

// refusedInStrictMode says whether ours would answer FAILED_PRECONDITION where no composite index is defined.
func refusedInStrictMode(request proto.Message) bool {
	indexes, err := query.ParseIndexes(nil, nil)
	if err != nil {
		panic(err) // nothing is wrong with nothing
	}
	q, err := query.Parse(database, "", structured(request))
	return err == nil && status.Code(indexes.Check(database, q)) == codes.FailedPrecondition
}

// unspecified says whether a filter has no operator, but null or NaN to compare with.
func unspecified(f *pb.StructuredQuery_Filter) bool {
	v := f.GetFieldFilter().GetValue()
	_, null := v.GetValueType().(*pb.Value_NullValue)
	return f.GetFieldFilter().GetOp() == 0 && (null || math.IsNaN(v.GetDoubleValue())) ||
		slices.ContainsFunc(f.GetCompositeFilter().GetFilters(), unspecified)
}

// stricter says whether only ours finds something wrong with a request.
func stricter(google, ours answer) bool {
	return ours.code == codes.InvalidArgument && google.code != codes.InvalidArgument
}

// hasString says whether a string anywhere in a message is so.
func hasString(m proto.Message, is func(string) bool) (has bool) {
	edit(m, func(_ protoreflect.Name, v protoreflect.Value) protoreflect.Value {
		switch v := v.Interface().(type) {
		case string:
			has = has || is(v)
		case protoreflect.List:
			for i := range v.Len() {
				s, ok := v.Get(i).Interface().(string)
				has = has || ok && is(s)
			}
		case protoreflect.Map:
			v.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
				has = has || is(key.String())
				return true
			})
		}
		return v
	})
	return has
}

// foreign says whether a name is one of another database than requests are mostly about.
func foreign(s string) bool {
	return strings.HasPrefix(s, "projects/") && s != database && !strings.HasPrefix(s, database+"/")
}

func beyondLimits(s string) bool {
	const longest, deepest = 1500, 100
	for segment := range strings.SplitSeq(s, "/") {
		if len(segment) > longest {
			return true
		}
	}
	return strings.Count(strings.TrimPrefix(s, documents), "/") >= 2*deepest || strings.Count(s, ".") >= 20
}

// rewrites says whether a request writes a document more than once.
func rewrites(request proto.Message) (again bool) {
	seen := map[string]bool{}
	for _, w := range written(request) {
		again = again || seen[nameWritten(w)]
		seen[nameWritten(w)] = true
	}
	return again
}

func transformsNested(request proto.Message) (nested bool) {
	for _, w := range written(request) {
		for _, f := range append(w.UpdateTransforms, w.GetTransform().GetFieldTransforms()...) {
			for _, v := range append(f.GetAppendMissingElements().GetValues(), f.GetRemoveAllFromArray().GetValues()...) {
				nested = nested || v.GetArrayValue() != nil || v.GetMapValue().GetFields()["__type__"] != nil
			}
		}
	}
	return nested
}

// structured is the query of a request; nil if it has none.
func structured(request proto.Message) *pb.StructuredQuery {
	switch q := request.(type) {
	case *pb.RunQueryRequest:
		return q.GetStructuredQuery()
	case *pb.RunAggregationQueryRequest:
		return q.GetStructuredAggregationQuery().GetStructuredQuery()
	case *pb.ListenRequest:
		return q.GetAddTarget().GetQuery().GetStructuredQuery()
	}
	return nil
}

// listenedQuery runs the query that a request listens to; nil if there is none.
func listenedQuery(request proto.Message) proto.Message {
	l, ok := request.(*pb.ListenRequest)
	if !ok || structured(l) == nil {
		return nil
	}
	return &pb.RunQueryRequest{
		Parent: l.GetAddTarget().GetQuery().Parent, QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: structured(l)}}
}

var skippedResults = regexp.MustCompile(` *skipped_results:\d+`)

func withoutSkipped(a answer) string { return skippedResults.ReplaceAllString(a.String(), "") }

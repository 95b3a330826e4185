package likeness

import (
	"regexp"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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
		is: func(_ *sequence, _ proto.Message, google, ours answer) bool {
			return google.code == codes.Unknown && google.message == "" && ours.code == codes.InvalidArgument
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
		emulator:  "names and fields' names may be longer and deeper than documents' in what is only read, or in maps",
		firestore: "1500 bytes, 100 collections: " + quotas,
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
		emulator:  "a transform may put an array into an array",
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
		emulator:  "documents can be listed as of any time",
		firestore: "Within the last hour, or whole minutes of the last week: " + rpcReference + "#listdocumentsrequest",
		is: func(_ *sequence, request proto.Message, google, ours answer) bool {
			q, ok := request.(*pb.ListDocumentsRequest)
			return ok && q.GetReadTime() != nil && google.code == codes.OK && ours.code == codes.FailedPrecondition
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
	return strings.Count(strings.TrimPrefix(s, documents), "/") >= 2*deepest
}

func transformsNested(request proto.Message) (nested bool) {
	for _, w := range written(request) {
		for _, f := range append(w.UpdateTransforms, w.GetTransform().GetFieldTransforms()...) {
			for _, v := range append(f.GetAppendMissingElements().GetValues(), f.GetRemoveAllFromArray().GetValues()...) {
				nested = nested || v.GetArrayValue() != nil
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

package query_test

import (
	"fmt"
	"strings"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/query"
)

// numbered is the numbers from 0 on.
func numbered(n int) (l list) {
	for i := range n {
		l = append(l, i)
	}
	return l
}

// each is a condition on each of n fields.
func each(n int, prefix, op string) (fs []condition) {
	for i := range n {
		fs = append(fs, where(fmt.Sprintf("%s%d", prefix, i), op, i))
	}
	return fs
}

func repeat(n int, f func(i int) condition) (fs []condition) {
	for i := range n {
		fs = append(fs, f(i))
	}
	return fs
}

var longText = strings.Repeat("x", 1500)

// Google's emulator refuses and accepts the same, but where it is said.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	typeless := &pb.Value{}
	elsewhere := &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: "projects/q/databases/(default)/documents/c/a"}}
	nonsense := &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: "nonsense"}}
	timeless := &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Nanos: -1}}}
	or31 := or(repeat(31, func(i int) condition { return where("a", "==", i) })...)
	for name, c := range map[string]struct {
		q    *structured
		says string // "": it is accepted
	}{
		"in nothing":                      {from("c", where("a", "in", list{})), "IN on a requires"},
		"in what is no array":             {from("c", where("a", "in", 1)), "IN on a requires"},
		"in 30":                           {from("c", where("a", "in", numbered(30))), ""},
		"in 31":                           {from("c", where("a", "in", numbered(31))), "up to 30"},
		"contains any of nothing":         {from("c", where("a", "contains any", list{})), "requires"},
		"contains any of 31":              {from("c", where("a", "contains any", numbered(31))), "up to 30"},
		"not in 10":                       {from("c", where("a", "not in", numbered(10))), ""},
		"not in 11":                       {from("c", where("a", "not in", numbered(11))), "up to 10"},
		"not in nothing":                  {from("c", where("a", "not in", list{})), "requires"},
		"30 or":                           {from("c", or(repeat(30, func(i int) condition { return where("a", "==", i) })...)), ""},
		"31 or":                           {from("c", or31), "31"},
		"40 or that say the same":         {from("c", or(repeat(40, func(i int) condition { return where("a", "==", i%25) })...)), ""},
		"5 by 6":                          {from("c", and(where("a", "in", numbered(5)), where("b", "in", numbered(6)))), ""},
		"6 by 6":                          {from("c", and(where("a", "in", numbered(6)), where("b", "in", numbered(6)))), "36"},
		"1 six times by 6":                {from("c", and(where("a", "in", list{1, 1, 1, 1, 1, 1.0}), where("b", "in", numbered(6)))), ""},
		"2 by 16 of one field":            {from("c", and(where("a", "in", numbered(2)), where("a", "in", numbered(16)))), "31"},
		"2 to the 40":                     {from("c", and(repeat(40, func(i int) condition { return where(fmt.Sprint("f", i), "in", numbered(2)) })...)), "too many"},
		"2000 or":                         {from("c", or(repeat(2000, func(i int) condition { return where("a", "==", i) })...)), "too many"},
		"two arrays":                      {from("c", and(where("a", "contains", 1), where("b", "contains", 1))), "maximum of 1"},
		"two arrays, any":                 {from("c", and(where("a", "contains", 1), where("b", "contains any", list{1}))), "maximum of 1"},
		"one array, any":                  {from("c", and(where("a", "contains", 1), where("a", "contains any", list{1}))), "maximum of 1"},
		"two arrays, one or the other":    {from("c", or(where("a", "contains", 1), where("b", "contains", 1))), ""},
		"one array twice":                 {from("c", and(where("a", "contains", 1), where("a", "contains", 1))), ""},
		"not in and !=":                   {from("c", and(where("a", "not in", list{1}), where("b", "!=", 1))), "only a single"},
		"!= and !=":                       {from("c", and(where("a", "!=", 1), where("a", "!=", 1))), "only a single"},
		"!= or !=":                        {from("c", or(where("a", "!=", 1), where("b", "!=", 1))), "only a single"},
		"!= and is not null":              {from("c", and(where("a", "!=", 1), unary("a", "is not null"))), "only a single"},
		"is not null and is not nan":      {from("c", and(unary("a", "is not nan"), unary("b", "is not null"))), "only a single"},
		"not in and in":                   {from("c", and(where("a", "not in", list{1}), where("b", "in", list{1}))), "NOT_IN"},
		"not in and contains any":         {from("c", and(where("a", "not in", list{1}), where("b", "contains any", list{1}))), "NOT_IN"},
		"not in and contains":             {from("c", and(where("a", "not in", list{1}), where("b", "contains", 1))), ""},
		"not in within or":                {from("c", or(where("a", "not in", list{1}))), "NOT_IN"},
		"!= or ==":                        {from("c", or(where("a", "!=", 1), where("b", "==", 1))), ""},
		"inequality on 10 fields":         {from("c", and(each(10, "f", ">")...)), ""},
		"inequality on 11 fields":         {from("c", and(each(11, "f", ">")...)), "11 fields"},
		"100 filters":                     {from("c", and(each(100, "f", "==")...)), ""},
		"101 filters":                     {from("c", and(each(101, "f", "==")...)), "101 filters"},
		"102 filters that say the same":   {from("c", and(repeat(102, func(int) condition { return where("a", "==", 1) })...)), ""},
		"98 filters, 2 orders":            {from("c", and(each(98, "f", "==")...), orderBy("a", "b")), ""},
		"99 filters, 2 orders":            {from("c", and(each(99, "f", "==")...), orderBy("a", "b")), "2 orders"},
		"in counts for each":              {from("c", and(append(each(71, "f", "=="), where("a", "in", numbered(30)))...)), "101 filters"},
		"empty or":                        {from("c", or()), "no filters"},
		"no operator":                     {from("c", composite(pb.StructuredQuery_CompositeFilter_OPERATOR_UNSPECIFIED, where("a", "==", 1))), "AND or OR"},
		"no operator of a field":          {from("c", where("a", "?", 1)), "OPERATOR_UNSPECIFIED"},
		"no unary operator":               {from("c", unary("a", "?")), "OPERATOR_UNSPECIFIED"},
		"no filter within":                {from("c", and(&pb.StructuredQuery_Filter{})), "neither"},
		"no filter":                       {from("c", &pb.StructuredQuery_Filter{}), ""},
		"no type":                         {from("c", where("a", "==", typeless)), "no type"},
		"no type within":                  {from("c", where("a", "==", object{"x": list{typeless}})), "no type"},
		"a pipeline's":                    {from("c", where("a", "==", &pb.Value{ValueType: &pb.Value_FieldReferenceValue{FieldReferenceValue: "b"}})), "pipeline"},
		"no reference":                    {from("c", where("a", "==", nonsense)), "nonsense"},
		"no time":                         {from("c", where("a", "==", timeless)), "nanos"},
		"a reference elsewhere":           {from("c", where("a", "==", elsewhere)), ""},
		"not on earth":                    {from("c", where("a", "==", &latlng.LatLng{Latitude: 91})), "earth"},
		"nowhere":                         {from("c", where("a", "==", &latlng.LatLng{Longitude: nan})), "earth"},
		"a reserved field within":         {from("c", where("a", "==", object{"__x__": 1})), "reserved"},
		"an empty field within":           {from("c", where("a", "==", object{"": 1})), ""},
		"a vector":                        {from("c", where("a", "==", vector{1})), ""},
		"a long text":                     {from("c", where("a", "==", longText)), "too large"},
		"a text not so long":              {from("c", where("a", "==", longText[1:])), ""},
		"long bytes":                      {from("c", where("a", "<", []byte(longText+"x"))), "too large"},
		"bytes not so long":               {from("c", where("a", "<", []byte(longText))), ""},
		"a long array":                    {from("c", where("a", "!=", list{longText})), "too large"},
		"long ones in a list":             {from("c", where("a", "in", list{longText[700:], longText[600:]})), ""},
		"a long one in a list":            {from("c", where("a", "not in", list{longText})), "too large"},
		"a long cursor":                   {from("c", nil, orderBy("a"), startAt(longText)), ""},
		"no path":                         {from("c", where("", "==", 1)), "field"},
		"a path with a dot behind":        {from("c", where("a.", "==", 1)), "a."},
		"a path that needs quotes":        {from("c", where("1a", "==", 1)), "1a"},
		"a quoted path":                   {from("c", where("`1a`", "==", 1)), ""},
		"a reserved path":                 {from("c", where("__x__", "==", 1)), "reserved"},
		"a reserved path within":          {from("c", where("a.__x__", "==", 1)), "reserved"},
		"a path in the name":              {from("c", where("__name__.a", "==", 1)), "reserved"},
		"no path of a unary filter":       {from("c", unary("", "is null")), "field"},
		"no path to order by":             {from("c", nil, orderBy("")), "field"},
		"a reserved path to order by":     {from("c", nil, orderBy("__x__")), "reserved"},
		"a wrong path to select":          {from("c", nil, sel("a..b")), "a..b"},
		"a reserved path to select":       {from("c", nil, sel("__x__")), "reserved"},
		"a deep path":                     {from("c", where(strings.Repeat("a.", 19)+"a", "==", 1)), ""},
		"a path too deep":                 {from("c", where(strings.Repeat("a.", 20)+"a", "==", 1)), "21 names"},
		"a long path":                     {from("c", nil, orderBy(longText[1:])), ""},
		"a path too long":                 {from("c", nil, orderBy(longText)), "1500 bytes"},
		"the name and a range":            {from("c", and(where("__name__", "==", ref("c/a")), where("a", ">", 1))), "equality on __name__"},
		"names, or all but some":          {from("c", or(where("__name__", "in", list{ref("c/a")}), where("a", "!=", 1))), "equality on __name__"},
		"the name and ranges of it, too":  {from("c", and(where("__name__", "==", ref("c/a")), where("__name__", ">", ref("c/0")), where("a", ">", 1))), ""},
		"the name and what is never":      {from("c", and(where("__name__", "==", ref("c/a")), where("a", ">", nil))), ""},
		"ordered twice":                   {from("c", nil, orderBy("a", "-a")), "twice"},
		"ordered behind the name":         {from("c", nil, orderBy("__name__", "a")), "behind __name__"},
		"inequality, ordered by the name": {from("c", where("a", ">", 0), orderBy("__name__")), "behind __name__"},
		"the name contains":               {from("c", where("__name__", "contains", ref("c/a"))), "no array"},
		"the name is text":                {from("c", where("__name__", "==", "a")), "not a reference"},
		"the name is null":                {from("c", unary("__name__", "is null")), "references"},
		"the name in texts":               {from("c", where("__name__", "in", list{"a"})), "not a reference"},
		"the name is a collection's":      {from("c", where("__name__", "==", ref("c"))), "collection"},
		"the name is nonsense":            {from("c", where("__name__", ">", nonsense)), "nonsense"},
		"the name is elsewhere":           {from("c", where("__name__", "==", elsewhere)), "database other"},
		"cursor too long":                 {from("c", nil, orderBy("a"), startAt(1, ref("c/a"))), "too many"},
		"cursor without order":            {from("c", where("a", ">", 0), startAt(1)), "too many"},
		"end too long":                    {from("c", nil, endAt(1)), "too many"},
		"cursor with a text for the name": {from("c", nil, orderBy("__name__"), startAt("a")), "not a reference"},
		"cursor with a name elsewhere":    {from("c", nil, orderBy("__name__"), endAt(elsewhere)), "database other"},
		"cursor without type":             {from("c", nil, orderBy("a"), startAt(typeless)), "no type"},
		"cursor that is no reference":     {from("c", nil, orderBy("a"), startAt(nonsense)), "nonsense"},
		"limit below 0":                   {from("c", nil, limit(-1)), "limit"},
		"offset below 0":                  {from("c", nil, offset(-1)), "offset"},
		"two collections": {&structured{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: "c"}, {CollectionId: "d"}}},
			"2 collections"},
		"a path for a collection":          {from("a/b", nil), "a/b"},
		"a reserved collection":            {from("__x__", nil), "reserved"},
		"a dot for a collection":           {from("..", nil), `".."`},
		"everything, filtered":             {from("*/", where("a", "==", 1)), "from one collection"},
		"everything, ordered":              {from("*/", nil, orderBy("a")), "from one collection"},
		"everything, downwards":            {from("*/", nil, orderBy("-__name__")), "from one collection"},
		"every collection, filtered":       {from("", where("a", "==", 1)), "from one collection"},
		"everything, by name":              {from("*/", where("__name__", ">", ref("c/a")), orderBy("__name__")), ""},
		"no direction, which is ascending": {from("c", nil, func(q *structured) { q.OrderBy = []*pb.StructuredQuery_Order{{Field: field("a")}} }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := query.Parse(project, "", c.q)
			checkRefusal(t, err, codes.InvalidArgument, c.says)
		})
	}
}

// checkRefusal checks an error; says is "" if there is to be none.
func checkRefusal(t *testing.T, err error, code codes.Code, says string) {
	t.Helper()
	if says == "" {
		if err != nil {
			t.Error(err)
		}
	} else if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), says) {
		t.Errorf("error %v, want %v that says %q", err, code, says)
	}
}

func TestAParentCountsAsAFilter(t *testing.T) {
	t.Parallel()
	_, err := query.Parse(project, "c/a", from("d", and(each(99, "f", "==")...)))
	checkRefusal(t, err, codes.InvalidArgument, "")
	_, err = query.Parse(project, "c/a", from("d", and(each(100, "f", "==")...)))
	checkRefusal(t, err, codes.InvalidArgument, "100 filters")
}

func TestAGroupBelowADocumentHasNoFiltersAndOrders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		q    *structured
		says string
	}{
		"all":       {from("*/d", nil), ""},
		"names":     {from("*/d", where("__name__", ">", ref("c/a/d/a")), orderBy("__name__")), ""},
		"filtered":  {from("*/d", where("a", "==", 1)), "filter on a"},
		"ordered":   {from("*/d", nil, orderBy("a")), "ordered by a"},
		"downwards": {from("*/d", nil, orderBy("-__name__")), "ordered by __name__"},
		"no group":  {from("d", where("a", "==", 1), orderBy("-a")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := query.Parse(project, "c/a", c.q)
			checkRefusal(t, err, codes.InvalidArgument, c.says)
		})
	}
}

func TestAnAggregationOfFieldsIsNotByName(t *testing.T) {
	t.Parallel()
	sum := &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Sum_{
		Sum: &pb.StructuredAggregationQuery_Aggregation_Sum{Field: field("a")},
	}}
	count := &pb.StructuredAggregationQuery_Aggregation{Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{}}
	byName := where("__name__", "==", ref("c/a"))
	for name, c := range map[string]struct {
		q    *structured
		says string // of a sum; a count is accepted
	}{
		"a filter on the name":           {from("c", byName), "order by a"},
		"with an order":                  {from("c", byName, orderBy("a")), ""},
		"with an inequality":             {from("c", and(where("__name__", ">", ref("c/a")), where("a", ">", 0))), ""},
		"ordered by the name":            {from("c", nil, orderBy("__name__")), "behind __name__"},
		"equality, ordered by the name":  {from("c", where("a", "==", 1), orderBy("__name__")), "behind __name__"},
		"ordered by the name behind it":  {from("c", nil, orderBy("a", "__name__")), ""},
		"fields selected":                {from("c", nil, sel("a")), "select"},
		"every collection":               {from("*/", nil), ""},
		"every collection, by name":      {from("*/", nil, orderBy("__name__")), "order by a"},
		"every collection, some names":   {from("*/", where("__name__", ">", ref("c/a"))), "order by a"},
		"a filter on the name and limit": {from("c", byName, limit(1)), "order by a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for a, says := range map[*pb.StructuredAggregationQuery_Aggregation]string{sum: c.says, count: ""} {
				_, err := query.ParseAggregation(project, "", &pb.StructuredAggregationQuery{
					QueryType:    &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: c.q},
					Aggregations: []*pb.StructuredAggregationQuery_Aggregation{a},
				})
				checkRefusal(t, err, codes.InvalidArgument, says)
			}
		})
	}
}

package firestore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	official "cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore"
)

const database = "projects/p/databases/(default)"

// start serves until the test ends, and answers the official client and the bare one.
func start(t testing.TB, o firestore.Options) (*official.Client, pb.FirestoreClient) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- firestore.New(o).Serve(ctx, l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	c, err := official.NewClient(ctx, "p", option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		err := c.Close() // and with it the connection
		cancel()
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
	})
	return c, pb.NewFirestoreClient(conn)
}

type fields = map[string]any

func fill(t testing.TB, c *official.Client, documents map[string]fields) {
	t.Helper()
	err := c.RunTransaction(t.Context(), func(_ context.Context, tx *official.Transaction) error {
		var all error
		for path, f := range documents {
			all = errors.Join(all, tx.Set(c.Doc(path), f))
		}
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ids(t testing.TB, it *official.DocumentIterator) string {
	t.Helper()
	found, err := it.GetAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range found {
		all = append(all, d.Ref.ID)
	}
	return strings.Join(all, " ")
}

func cities() map[string]fields {
	return map[string]fields{
		"cities/SF":               {"name": "San Francisco", "state": "CA", "capital": false, "population": 860000, "regions": []string{"west_coast", "norcal"}},
		"cities/LA":               {"name": "Los Angeles", "state": "CA", "capital": false, "population": 3900000, "regions": []string{"west_coast", "socal"}},
		"cities/DC":               {"name": "Washington, D.C.", "state": nil, "capital": true, "population": 680000, "regions": []string{"east_coast"}},
		"cities/TOK":              {"name": "Tokyo", "state": nil, "capital": true, "population": 9000000, "regions": []string{"kanto", "honshu"}},
		"cities/BJ":               {"name": "Beijing", "capital": true, "population": 21500000, "regions": []string{"jingjinji", "hebei"}},
		"cities/SF/landmarks/ggb": {"name": "Golden Gate Bridge", "category": "bridge"},
		"cities/DC/landmarks/nm":  {"name": "National Mall", "category": "park"},
	}
}

func TestTheOfficialClientsQueriesAreAnswered(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, cities())
	all := c.Collection("cities")
	tokyo, err := c.Doc("cities/TOK").Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]struct {
		q    official.Query
		want string
	}{
		"all":                {all.Query, "BJ DC LA SF TOK"},
		"equality":           {all.Where("state", "==", "CA"), "LA SF"},
		"null":               {all.Where("state", "==", nil), "DC TOK"},
		"not null":           {all.Where("state", "!=", nil), "LA SF"},
		"range":              {all.Where("population", ">", 1000000).OrderBy("population", official.Desc), "BJ TOK LA"},
		"order and limit":    {all.Where("capital", "==", true).OrderBy("population", official.Asc).Limit(2), "DC TOK"},
		"limit to last":      {all.OrderBy("population", official.Asc).LimitToLast(2), "TOK BJ"},
		"offset":             {all.OrderBy("population", official.Asc).Offset(3), "TOK BJ"},
		"array contains":     {all.Where("regions", "array-contains", "west_coast"), "LA SF"},
		"array contains any": {all.Where("regions", "array-contains-any", []string{"west_coast", "kanto"}), "LA SF TOK"},
		"in":                 {all.Where("name", "in", []string{"Tokyo", "Beijing"}), "BJ TOK"},
		"not in":             {all.Where("name", "not-in", []string{"Tokyo", "Beijing"}), "LA SF DC"},
		"or": {all.WhereEntity(official.OrFilter{Filters: []official.EntityFilter{
			official.PropertyFilter{Path: "state", Operator: "==", Value: "CA"},
			official.PropertyFilter{Path: "population", Operator: ">", Value: 10000000},
		}}), "SF LA BJ"},
		"after a document":  {all.OrderBy("population", official.Asc).StartAfter(tokyo), "BJ"},
		"from a document":   {all.OrderBy("population", official.Desc).StartAt(tokyo).Limit(2), "TOK LA"},
		"up to a document":  {all.EndBefore(tokyo), "BJ DC LA SF"},
		"by id":             {all.Where(official.DocumentID, ">=", all.Doc("LA")).OrderBy(official.DocumentID, official.Asc), "LA SF TOK"},
		"a subcollection":   {c.Collection("cities/SF/landmarks").Query, "ggb"},
		"a group":           {c.CollectionGroup("landmarks").Query, "nm ggb"},
		"a group, filtered": {c.CollectionGroup("landmarks").Where("category", "==", "park"), "nm"},
		"nothing":           {all.Where("state", "==", "NY"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(q.want, ids(t, q.q.Documents(t.Context()))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSelectedFieldsAreSent(t *testing.T) {
	t.Parallel()
	c, _ := start(t, firestore.Options{})
	fill(t, c, cities())
	found, err := c.Collection("cities").Select("name").Limit(1).Documents(t.Context()).GetAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields{"name": "Beijing"}, found[0].Data()); diff != "" {
		t.Error(diff)
	}
	if found[0].CreateTime.IsZero() || found[0].UpdateTime.IsZero() || found[0].ReadTime.IsZero() {
		t.Errorf("times are missing: %+v", found[0])
	}
}

// responses are all that a query is answered, without documents' fields and times.
func responses(t *testing.T, c pb.FirestoreClient, q *pb.RunQueryRequest) ([]*pb.RunQueryResponse, error) {
	t.Helper()
	stream, err := c.RunQuery(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var all []*pb.RunQueryResponse
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if r.ReadTime.IsValid() != (r.Transaction == nil) {
			t.Errorf("read time is %v", r.ReadTime)
		}
		all = append(all, r)
	}
}

func request(collection string, limit, offset int32) *pb.RunQueryRequest {
	return &pb.RunQueryRequest{Parent: database + "/documents", QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: &pb.StructuredQuery{
		From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: collection}}, Limit: wrapperspb.Int32(limit), Offset: offset,
	}}}
}

func TestAStreamSaysWhatWasSkippedFirstAndLastThatItIsDone(t *testing.T) {
	t.Parallel()
	c, bare := start(t, firestore.Options{})
	fill(t, c, cities())
	done := &pb.RunQueryResponse_Done{Done: true}
	named := func(id string) *pb.Document { return &pb.Document{Name: database + "/documents/cities/" + id} }
	for name, r := range map[string]struct {
		q    *pb.RunQueryRequest
		want []*pb.RunQueryResponse
	}{
		"two":           {request("cities", 2, 1), []*pb.RunQueryResponse{{Document: named("DC"), SkippedResults: 1}, {Document: named("LA"), ContinuationSelector: done}}},
		"none":          {request("towns", 2, 1), []*pb.RunQueryResponse{{ContinuationSelector: done}}},
		"all skipped":   {request("cities", 2, 9), []*pb.RunQueryResponse{{SkippedResults: 5, ContinuationSelector: done}}},
		"none asked of": {request("cities", 0, 1), []*pb.RunQueryResponse{{ContinuationSelector: done}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := responses(t, bare, r.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.want, got, protocmp.Transform(), protocmp.IgnoreFields(&pb.RunQueryResponse{}, "read_time"),
				protocmp.IgnoreFields(&pb.Document{}, "fields", "create_time", "update_time")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAQueryReadsAtTheTimeAskedFor(t *testing.T) {
	t.Parallel()
	c, bare := start(t, firestore.Options{})
	fill(t, c, cities())
	before, err := responses(t, bare, request("cities", 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, c, map[string]fields{"cities/NY": {}})
	q := request("cities", 9, 0)
	q.ConsistencySelector = &pb.RunQueryRequest_ReadTime{ReadTime: before[0].ReadTime}
	again, err := responses(t, bare, q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, again, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if now, err := responses(t, bare, request("cities", 9, 0)); err != nil || len(now) != len(before)+1 {
		t.Errorf("%d documents now, %v", len(now), err)
	}
}

func TestAQueryBeginsATransaction(t *testing.T) {
	t.Parallel()
	c, bare := start(t, firestore.Options{})
	fill(t, c, cities())
	q := request("cities", 9, 0)
	q.ConsistencySelector = &pb.RunQueryRequest_NewTransaction{NewTransaction: &pb.TransactionOptions{}}
	got, err := responses(t, bare, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 6 || len(got[0].Transaction) == 0 || got[0].Document != nil || got[1].Document == nil {
		t.Fatalf("%d responses, the first is %v", len(got), got[0])
	}
	commit := &pb.CommitRequest{Database: database, Transaction: got[0].Transaction}
	if _, err := bare.Commit(t.Context(), commit); err != nil {
		t.Error(err)
	}
}

// A transaction reads by a query, somebody else writes, and then it commits.
func TestATransactionIsAbortedIfAQueryOfItFindsSomethingElse(t *testing.T) {
	t.Parallel()
	rich := func(c *official.Client) official.Query {
		return c.Collection("cities").Where("population", ">", 1000000).OrderBy("population", official.Asc).Limit(2) // LA TOK
	}
	for name, w := range map[string]struct {
		write   func(ctx context.Context, c *official.Client) error
		aborted bool
	}{
		"a document of the result changes": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("cities/LA").Update(ctx, []official.Update{{Path: "capital", Value: true}})
			return err
		}, true},
		"one enters": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("cities/NY").Set(ctx, fields{"population": 8000000})
			return err
		}, true},
		"one is deleted": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("cities/TOK").Delete(ctx)
			return err
		}, true},
		"one is written anew": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("cities/TOK").Delete(ctx)
			if err == nil {
				_, err = c.Doc("cities/TOK").Set(ctx, cities()["cities/TOK"])
			}
			return err
		}, true},
		"one behind the limit changes": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("cities/BJ").Update(ctx, []official.Update{{Path: "population", Value: 22000000}})
			return err
		}, false},
		"one elsewhere is written": {func(ctx context.Context, c *official.Client) error {
			_, err := c.Doc("towns/X").Set(ctx, fields{"population": 8000000})
			return err
		}, false},
	} {
		for _, how := range []string{"query", "aggregation"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				c, _ := start(t, firestore.Options{})
				fill(t, c, cities())
				attempts := 0
				err := c.RunTransaction(t.Context(), func(ctx context.Context, tx *official.Transaction) error {
					var err error
					if how == "query" {
						_, err = tx.Documents(rich(c)).GetAll()
					} else {
						q := rich(c)
						_, err = q.NewAggregationQuery().WithCount("n").Transaction(tx).Get(ctx)
					}
					if attempts++; err == nil && attempts == 1 {
						err = w.write(t.Context(), c)
					}
					return errors.Join(err, tx.Set(c.Doc("results/one"), fields{}))
				})
				if aborted := attempts > 1; err != nil || aborted != w.aborted {
					t.Errorf("aborted: %v, error %v", aborted, err)
				}
			})
		}
	}
}

package firestore

import (
	"context"
	"fmt"
	"net"
	"testing"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/query"
)

// served serves on a loopback address until the test ends.
func served(t *testing.T, o Options) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- New(o).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return l.Addr().String()
}

// dial connects the official client.
func dial(t *testing.T, addr string) *firestore.Client {
	t.Helper()
	c, err := firestore.NewClient(t.Context(), "p", option.WithEndpoint(addr), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

type order struct {
	State string `firestore:"state"`
	N     int    `firestore:"n"`
}

func set(t *testing.T, d *firestore.DocumentRef, o order) {
	t.Helper()
	if _, err := d.Set(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// changes waits for a query's next snapshot, and gives its changes, a line each, and then its documents in order.
func changes(t *testing.T, it *firestore.QuerySnapshotIterator) []string {
	t.Helper()
	s, err := it.Next()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range s.Changes {
		lines = append(lines, fmt.Sprintf("%v %s %d->%d", c.Kind, c.Doc.Ref.ID, c.OldIndex, c.NewIndex))
	}
	docs, err := s.Documents.GetAll()
	if err != nil {
		t.Fatal(err)
	}
	all := "now"
	for _, d := range docs {
		all += " " + d.Ref.ID
	}
	return append(lines, all)
}

func wantChanges(t *testing.T, it *firestore.QuerySnapshotIterator, doing string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, changes(t, it)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", doing, diff)
	}
}

func TestTheOfficialClientFollowsAQuery(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	orders := c.Collection("orders")
	set(t, orders.Doc("1"), order{"open", 1})
	set(t, orders.Doc("2"), order{"open", 2})
	set(t, orders.Doc("3"), order{"shut", 3})
	it := orders.Where("state", "==", "open").OrderBy("n", firestore.Desc).Snapshots(t.Context())
	defer it.Stop()
	wantChanges(t, it, "at first", "DocumentAdded 2 -1->0", "DocumentAdded 1 -1->1", "now 2 1")
	set(t, orders.Doc("3"), order{"open", 3})
	wantChanges(t, it, "entering", "DocumentAdded 3 -1->0", "now 3 2 1")
	set(t, orders.Doc("1"), order{"open", 9})
	wantChanges(t, it, "changing", "DocumentModified 1 2->0", "now 1 3 2")
	set(t, orders.Doc("2"), order{"shut", 2})
	wantChanges(t, it, "leaving", "DocumentRemoved 2 2->-1", "now 1 3")
	if _, err := orders.Doc("3").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantChanges(t, it, "deleting", "DocumentRemoved 3 1->-1", "now 1")
	err := c.RunTransaction(t.Context(), func(_ context.Context, tx *firestore.Transaction) error {
		for i := range 5 {
			if err := tx.Set(orders.Doc(fmt.Sprint("new", i)), order{"open", i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantChanges(t, it, "five at once", "DocumentAdded new4 -1->1", "DocumentAdded new3 -1->2", "DocumentAdded new2 -1->3",
		"DocumentAdded new1 -1->4", "DocumentAdded new0 -1->5", "now 1 new4 new3 new2 new1 new0")
}

func TestTheOfficialClientFollowsTheFirstOfAnOrder(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	orders := c.Collection("orders")
	for i := range 5 {
		set(t, orders.Doc(fmt.Sprint(i)), order{"open", i})
	}
	it := orders.OrderBy("n", firestore.Asc).Limit(2).Snapshots(t.Context())
	defer it.Stop()
	wantChanges(t, it, "at first", "DocumentAdded 0 -1->0", "DocumentAdded 1 -1->1", "now 0 1")
	set(t, orders.Doc("0"), order{"open", 3})
	wantChanges(t, it, "moving behind", "DocumentRemoved 0 0->-1", "DocumentAdded 2 -1->1", "now 1 2")
	set(t, orders.Doc("6"), order{"open", -6})
	wantChanges(t, it, "moving before", "DocumentRemoved 2 1->-1", "DocumentAdded 6 -1->0", "now 6 1")
}

func TestTheOfficialClientFollowsACollectionGroup(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	set(t, c.Doc("orders/1/lines/a"), order{"open", 1})
	set(t, c.Doc("other/1/line/a"), order{"open", 1})
	it := c.CollectionGroup("lines").Snapshots(t.Context())
	defer it.Stop()
	wantChanges(t, it, "at first", "DocumentAdded a -1->0", "now a")
	set(t, c.Doc("lines/b"), order{"open", 1})
	wantChanges(t, it, "at the top", "DocumentAdded b -1->0", "now b a")
	set(t, c.Doc("orders/1/lines/a/lines/c"), order{"open", 1})
	wantChanges(t, it, "below", "DocumentAdded c -1->2", "now b a c")
}

func TestTheOfficialClientFollowsADocument(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	doc := c.Doc("orders/1")
	it := doc.Snapshots(t.Context())
	defer it.Stop()
	next := func(doing string, want any) {
		t.Helper()
		s, err := it.Next()
		if err != nil {
			t.Fatalf("%s: %v", doing, err)
		}
		var got any
		if s.Exists() {
			got = s.Data()["n"]
		}
		if got != want {
			t.Errorf("%s: n = %v, want %v", doing, got, want)
		}
	}
	next("missing", nil)
	set(t, doc, order{"open", 1})
	next("created", int64(1))
	set(t, c.Doc("orders/2"), order{"open", 7})
	set(t, doc, order{"open", 2})
	next("changed", int64(2))
	if _, err := doc.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	next("deleted", nil)
}

func TestTheOfficialClientIsToldWhyAQueryIsRefused(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	in := make([]int, 31)
	for i := range in {
		in[i] = i
	}
	it := c.Collection("orders").Where("n", "in", in).Snapshots(t.Context())
	defer it.Stop()
	if _, err := it.Next(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a query of 31 values: %v", err)
	}
}

func TestAListenerIsRefusedAQueryThatHasNoIndexInProduction(t *testing.T) {
	t.Parallel()
	none, err := query.ParseIndexes(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, served(t, Options{Indexes: none}))
	it := c.Collection("orders").Where("state", "==", "open").OrderBy("n", firestore.Asc).Snapshots(t.Context())
	defer it.Stop()
	if _, err := it.Next(); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a query without an index: %v", err)
	}
	one := c.Collection("orders").OrderBy("n", firestore.Asc).Snapshots(t.Context())
	defer one.Stop()
	wantChanges(t, one, "by one field", "now")
}

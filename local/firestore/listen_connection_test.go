package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

func TestAListenerThatStopsEndsItsStream(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	it := c.Collection("orders").Snapshots(t.Context())
	wantChanges(t, it, "at first", "now")
	it.Stop()
	if _, err := it.Next(); !errors.Is(err, iterator.Done) {
		t.Errorf("after Stop: %v", err)
	}
}

func TestHundredsOfListenersAllSeeACommit(t *testing.T) {
	t.Parallel()
	c := dial(t, served(t, Options{}))
	orders := c.Collection("orders")
	var ready, done sync.WaitGroup
	for range 200 {
		ready.Add(1)
		done.Go(func() {
			it := orders.Where("state", "==", "open").Snapshots(t.Context())
			defer it.Stop()
			_, err := it.Next()
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			if s, err := it.Next(); err != nil || len(s.Changes) != 1 {
				t.Errorf("the second snapshot: %v, %v", s, err)
			}
		})
	}
	ready.Wait()
	set(t, orders.Doc("1"), order{"shut", 1})
	set(t, orders.Doc("1"), order{"open", 1})
	done.Wait()
}

// breaker is a way to a server that can be broken off.
type breaker struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

// breakable opens a way to an address.
func breakable(t *testing.T, addr string) *breaker {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &breaker{Listener: l}
	t.Cleanup(func() {
		_ = l.Close()
		b.breakOff()
	})
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				_ = near.Close()
				continue
			}
			b.join(near, far)
		}
	}()
	return b
}

func (b *breaker) join(near, far net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns = append(b.conns, near, far)
	go func() { _, _ = io.Copy(near, far) }()
	go func() { _, _ = io.Copy(far, near) }()
}

// breakOff breaks all connections off that there are.
func (b *breaker) breakOff() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.conns {
		_ = c.Close()
	}
	b.conns = nil
}

func TestAListenerWhoseConnectionBreaksIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	addr := served(t, Options{})
	way := breakable(t, addr)
	writer, reader := dial(t, addr), dial(t, way.Addr().String())
	orders := writer.Collection("orders")
	for i := range 4 {
		set(t, orders.Doc(fmt.Sprint(i)), order{"open", i})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	it := reader.Collection("orders").OrderBy("n", firestore.Asc).Limit(3).Snapshots(ctx)
	defer it.Stop()
	wantChanges(t, it, "at first", "DocumentAdded 0 -1->0", "DocumentAdded 1 -1->1", "DocumentAdded 2 -1->2", "now 0 1 2")
	way.breakOff()
	if _, err := orders.Doc("0").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, orders.Doc("2"), order{"open", 20})
	set(t, orders.Doc("5"), order{"open", -5})
	wantChanges(t, it, "after the break", "DocumentRemoved 0 0->-1", "DocumentRemoved 2 1->-1", "DocumentAdded 5 -1->0",
		"DocumentAdded 3 -1->2", "now 5 1 3")
}

func TestTheServersEndIsTheEndOfItsListeners(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	s := New(Options{})
	go func() { done <- s.Serve(ctx, l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	stream, err := pb.NewFirestoreClient(conn).Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.ListenRequest{
		Database: testDB, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: names(1, "a/1")},
	}); err != nil {
		t.Fatal(err)
	}
	for {
		r, err := stream.Recv()
		if status.Code(err) == codes.Unavailable {
			break
		}
		if err != nil {
			t.Fatalf("the stream ended with %v", err)
		}
		if line(r) == "snapshot" {
			stop()
		}
	}
	if err := <-done; err != nil {
		t.Errorf("serving: %v", err)
	}
	if n := len(s.feeds.feeds); n != 0 {
		t.Errorf("%d databases are still watched", n)
	}
}

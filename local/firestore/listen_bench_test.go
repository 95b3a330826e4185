package firestore

import (
	"fmt"
	"testing"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// BenchmarkCommit is a commit of one document while streams listen that do not read: what listeners cost a writer.
func BenchmarkCommit(b *testing.B) {
	for _, listeners := range []int{0, 1, 100, 1000} {
		for _, where := range []struct{ name, path string }{{"elsewhere", "b/"}, {"there", "a/"}} {
			b.Run(fmt.Sprintf("%d listen/%s", listeners, where.name), func(b *testing.B) {
				s := New(Options{})
				for range listeners {
					w := listenTo(s, 1000)
					defer func() {
						w.cancel()
						<-w.ended
					}()
					w.add(names(1, "a/0"))
					w.add(asks(2, testDocs, &pb.StructuredQuery{
						From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: "a"}},
					}))
					for n := 0; n < 2; {
						if line(<-w.responses) == "snapshot" {
							n++
						}
					}
				}
				for i := 0; b.Loop(); i++ {
					commit(b, s, put(fmt.Sprint(where.path, i%100), int64(i)))
				}
			})
		}
	}
}

// BenchmarkListen is from a commit to its snapshot at a listener of the first 20 of 20,000 documents.
func BenchmarkListen(b *testing.B) {
	s := New(Options{})
	for i := range 20_000 {
		commit(b, s, put(fmt.Sprint("a/", i), int64(i)))
	}
	w := listenTo(s, 1000)
	defer func() {
		w.cancel()
		<-w.ended
	}()
	w.add(where(1, -1<<40, 20))
	next := func() {
		for line(<-w.responses) != "snapshot" {
		}
	}
	next()
	for i := 0; b.Loop(); i++ {
		commit(b, s, put(fmt.Sprint("a/", i%10), int64(-i-1)))
		next()
	}
}

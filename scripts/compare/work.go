package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What work is measured in.
const (
	perSecond    = "a second"
	milliseconds = "ms, median"
)

// work is done by a side for some time and answers how fast it was, in its unit.
type work struct {
	name, unit string
	do         func(context.Context, *side, time.Duration) (float64, error)
}

var works = []work{
	{"commits of two documents, one after the other", perSecond, rate(1, commitTwo)},
	{"commits of two documents, 32 at once", perSecond, rate(32, commitTwo)},
	{"reads of a document, 32 at once", perSecond, rate(32, read)},
	{"increments of one document, 10 at once", perSecond, rate(10, increment)},
	{"transactions that read and write one document, 10 at once", perSecond, rate(10, transact)},
	{"query for 20 of the collection, ordered", milliseconds, latency(queryOrdered)},
	{"query for 20 of the collection, equal and ordered", milliseconds, latency(queryEqual)},
	{"count of the collection", milliseconds, latency(count)},
	{"write while a query is listened to", milliseconds, writeListened},
	{"write until the listener knows", milliseconds, listen},
	{"publishes, one after the other", perSecond, publishRate(1)},
	{"publishes, 32 at once", perSecond, publishRate(32)},
	{"publish until received, at 100 a second", milliseconds, deliver},
	{"receiving 5,000 messages that wait", perSecond, drain},
}

// rate is how many calls a second so many callers get answered.
func rate(callers int, f func(context.Context, *side, int) error) func(context.Context, *side, time.Duration) (float64, error) {
	return func(ctx context.Context, s *side, during time.Duration) (float64, error) {
		t, err := repeat(ctx, callers, during, func(ctx context.Context, caller int) error { return f(ctx, s, caller) })
		if err != nil {
			return 0, err
		}
		return t.perSecond(), nil
	}
}

// latency is how long one call takes when nothing else is asked.
func latency(f func(context.Context, *side, int) error) func(context.Context, *side, time.Duration) (float64, error) {
	return func(ctx context.Context, s *side, during time.Duration) (float64, error) {
		t, err := repeat(ctx, 1, during, func(ctx context.Context, caller int) error { return f(ctx, s, caller) })
		if err != nil {
			return 0, err
		}
		return t.median(), nil
	}
}

func commitTwo(ctx context.Context, s *side, n int) error {
	return s.database.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		for range 2 {
			if err := tx.Create(s.database.Collection("written").NewDoc(), order(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func read(ctx context.Context, s *side, _ int) error {
	_, err := s.database.Collection(collection).Doc("order-000007").Get(ctx)
	return err
}

func increment(ctx context.Context, s *side, _ int) error {
	_, err := s.database.Doc("hot/counter").Set(ctx, map[string]any{"n": firestore.Increment(1)}, firestore.MergeAll)
	return err
}

// transact adds one by reading and writing. Whoever is in another's way tries again, as users do.
func transact(ctx context.Context, s *side, _ int) error {
	for {
		err := s.database.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
			hot := s.database.Doc("hot/account")
			d, err := tx.Get(hot)
			if err != nil && status.Code(err) != codes.NotFound {
				return err
			}
			n, _ := d.Data()["n"].(int64)
			return tx.Set(hot, map[string]any{"n": n + 1})
		})
		if status.Code(err) != codes.Aborted {
			return err
		}
	}
}

func queryOrdered(ctx context.Context, s *side, _ int) error {
	return twenty(ctx, s.database.Collection(collection).OrderBy("number", firestore.Desc))
}

func queryEqual(ctx context.Context, s *side, _ int) error {
	return twenty(ctx, s.database.Collection(collection).Where("customer", "==", "7").OrderBy("number", firestore.Desc))
}

func twenty(ctx context.Context, q firestore.Query) error {
	found, err := q.Limit(20).Documents(ctx).GetAll()
	if err == nil && len(found) != 20 {
		err = errors.New("the query found too few")
	}
	return err
}

func count(ctx context.Context, s *side, _ int) error {
	_, err := s.database.Collection(collection).NewAggregationQuery().WithCount("all").Get(ctx)
	return err
}

// listened calls f with what a listener to the collection's placed orders is told.
func listened(ctx context.Context, s *side, f func(snapshots <-chan *firestore.QuerySnapshot) (timings, error)) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	it := s.database.Collection(collection).Where("status", "==", "PLACED").Snapshots(ctx)
	told := make(chan *firestore.QuerySnapshot, 1024)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(told)
		for {
			snapshot, err := it.Next()
			if err != nil {
				return
			}
			told <- snapshot
		}
	})
	defer reader.Wait()
	defer it.Stop()
	defer cancel()
	if <-told == nil {
		return 0, errors.New("the listener ended")
	}
	t, err := f(told)
	if err != nil {
		return 0, err
	}
	return t.median(), nil
}

func (s *side) touch(ctx context.Context) error {
	_, err := s.database.Collection(collection).Doc("order-000000").Update(ctx, []firestore.Update{{Path: "touched", Value: rand.Text()}})
	return err
}

func writeListened(ctx context.Context, s *side, during time.Duration) (float64, error) {
	return listened(ctx, s, func(told <-chan *firestore.QuerySnapshot) (timings, error) {
		return repeat(ctx, 1, during, func(ctx context.Context, _ int) error {
			for len(told) > 0 {
				<-told
			}
			return s.touch(ctx)
		})
	})
}

func listen(ctx context.Context, s *side, during time.Duration) (float64, error) {
	return listened(ctx, s, func(told <-chan *firestore.QuerySnapshot) (timings, error) {
		return repeat(ctx, 1, during, func(ctx context.Context, _ int) error {
			if err := s.touch(ctx); err != nil {
				return err
			}
			if <-told == nil {
				return errors.New("the listener ended")
			}
			return nil
		})
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/pubsub/v2"

	"orderflow.dev/local/cloud"
)

const (
	project    = "compare"
	collection = "orders"
)

// side is one of the clouds, and clients of it.
type side struct {
	kind     string
	stores   *cloud.Stores
	database *firestore.Client
	messages *pubsub.Client
}

func openSide(ctx context.Context, kind string) (*side, error) {
	stores, err := cloud.Start(ctx, cloud.Options{Emulators: kind, AnyQuery: true})
	if err != nil {
		return nil, err
	}
	stores.Serve()
	s := &side{kind: kind, stores: stores}
	os.Setenv("FIRESTORE_EMULATOR_HOST", stores.Firestore)
	os.Setenv("PUBSUB_EMULATOR_HOST", stores.PubSub)
	if s.database, err = firestore.NewClient(ctx, project); err == nil {
		s.messages, err = pubsub.NewClient(ctx, project)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *side) close() {
	if s.database != nil {
		s.database.Close()
	}
	if s.messages != nil {
		s.messages.Close()
	}
	s.stores.Stop()
}

// order is a document as ours are: what queries ask for, and bytes.
func order(n int) map[string]any {
	return map[string]any{
		"status": []string{"PLACED", "CONFIRMED", "CANCELLED"}[n%3], "customer": fmt.Sprint(n % 100), "number": n,
		"journal": make([]byte, 600),
	}
}

// fill writes the collection that is queried and listened to.
func (s *side) fill(ctx context.Context, documents int) error {
	w := s.database.BulkWriter(ctx)
	jobs := make([]*firestore.BulkWriterJob, documents)
	for i := range jobs {
		job, err := w.Set(s.database.Collection(collection).Doc(fmt.Sprintf("order-%06d", i)), order(i))
		if err != nil {
			return err
		}
		jobs[i] = job
	}
	w.End()
	for _, job := range jobs {
		if _, err := job.Results(); err != nil {
			return fmt.Errorf("fill the collection: %w", err)
		}
	}
	return nil
}

// timings are how long calls took.
type timings struct {
	took    []time.Duration
	elapsed time.Duration
}

// perSecond is how many there were.
func (t timings) perSecond() float64 { return float64(len(t.took)) / t.elapsed.Seconds() }

// median is in milliseconds.
func (t timings) median() float64 {
	slices.Sort(t.took)
	return float64(t.took[len(t.took)/2].Microseconds()) / 1000
}

// repeat calls f by so many callers until the time is over. An error of f ends it.
func repeat(ctx context.Context, callers int, during time.Duration, f func(context.Context, int) error) (t timings, err error) {
	ctx, cancel := context.WithTimeout(ctx, during+time.Minute) // longer than the slowest call
	defer cancel()
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		began = time.Now()
	)
	for caller := range callers {
		group.Go(func() {
			var took []time.Duration
			var failed error
			for failed == nil && time.Since(began) < during {
				start := time.Now()
				if failed = f(ctx, caller); failed == nil {
					took = append(took, time.Since(start))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			t.took, err = append(t.took, took...), errors.Join(err, failed)
		})
	}
	group.Wait()
	t.elapsed = time.Since(began)
	if err == nil && len(t.took) == 0 {
		err = errors.New("nothing was done in time")
	}
	return t, err
}

package function

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWiringIsTriedAgainAfterAFailureAndKeptAfterASuccess(t *testing.T) {
	t.Parallel()
	var wirings atomic.Int64
	o := once[struct{}, int64]{wire: func(ctx context.Context, _ struct{}) (int64, error) {
		n := wirings.Add(1)
		if n == 1 {
			return 0, errors.New("the database is not there yet")
		}
		return n, ctx.Err()
	}}
	if _, err := o.get(t.Context()); err == nil {
		t.Error("the failure is not told")
	}
	ended, end := context.WithCancel(t.Context())
	end() // clients must outlive the request that happens to come first
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if h, err := o.get(ended); h != 2 || err != nil {
				t.Errorf("handler %d, error %v, want the second wiring's", h, err)
			}
		})
	}
	wg.Wait()
	if n := wirings.Load(); n != 2 {
		t.Errorf("wired %d times, want 2", n)
	}
}

func TestBadConfigurationIsNamedAndNotWired(t *testing.T) {
	t.Parallel()
	type config struct {
		Needed string `env:"TEST_NOWHERE_SET, required"`
	}
	o := once[config, int]{wire: func(context.Context, config) (int, error) {
		t.Error("wired without its configuration")
		return 0, nil
	}}
	if _, err := o.get(t.Context()); err == nil || err.Error() != "configuration: Needed: missing required value: TEST_NOWHERE_SET" {
		t.Errorf("error %v does not name what is missing", err)
	}
}

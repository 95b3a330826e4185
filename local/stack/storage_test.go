package stack

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/eventarc"
)

// TestUploadsReachTheirFunction starts of a stack what objects need, with one function that is triggered by uploads.
func TestUploadsReachTheirFunction(t *testing.T) {
	for _, name := range []string{"GOOGLE_CLOUD_PROJECT", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "UPLOADS_BUCKET", "REPORTS_BUCKET"} {
		t.Setenv(name, "") // restored after the test
	}
	heard := make(chan object.Object, 10)
	function := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		o, err := object.Finalized(r)
		if err != nil {
			t.Error(err)
		}
		heard <- o
	}))
	defer function.Close()
	run, cancel := context.WithCancel(t.Context())
	s := &Stack{
		options: Options{Dir: t.TempDir()},
		units:   []unit.Unit{{Name: "plan-import", Trigger: unit.Trigger{Uploads: true}}, {Name: "place-order"}},
		urls:    map[string]string{"plan-import": function.URL},
		servers: &errgroup.Group{},
	}
	if err := s.startStorage(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	s.servers.Go(func() error { return eventarc.RunTriggers(run, s.triggers(), eventarc.Options{}) })
	defer func() {
		cancel()
		if err := s.servers.Wait(); err != nil {
			t.Error(err)
		}
		s.closers[0]()
	}()
	for _, variable := range []string{"REPORTS_BUCKET", "UPLOADS_BUCKET"} { // only the second has the trigger
		b, err := bucket.Open(t.Context(), os.Getenv(variable))
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if err := b.Create(t.Context(), "catalogue/o.csv", "text/csv", nil).Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case o := <-heard:
		if o.Bucket != "orderflow-local-uploads" || o.Name != "catalogue/o.csv" {
			t.Errorf("heard of %+v", o)
		}
	case <-time.After(20 * time.Second):
		t.Error("the function heard nothing within 20 s")
	}
}

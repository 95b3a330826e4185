package chaos_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/chaos"
	"orderflow.dev/local/iam"
)

func message(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// commits makes calls and writes down what became of each: whether it was made, and its answer.
func commits(t *testing.T, c *chaos.Chaos, n int) []string {
	t.Helper()
	call := iam.Call{Unit: "confirm-order", Method: "/google.firestore.v1.Firestore/Commit",
		First: message(t, &firestorepb.CommitRequest{Database: "projects/p/databases/orders"})}
	out := make([]string, n)
	for i := range out {
		made := "not made"
		err := c.Between(call, func() error {
			made = "made"
			return nil
		})
		out[i] = made + " " + status.Code(err).String()
	}
	return out
}

func count(outcomes []string, what string) (n int) {
	for _, o := range outcomes {
		if o == what {
			n++
		}
	}
	return n
}

func TestASeedIsTheSamePressure(t *testing.T) {
	t.Parallel()
	const calls = 5000
	run := func(seed uint64) []string {
		c := chaos.New(chaos.Options{Seed: seed})
		c.Start()
		defer c.Stop()
		return commits(t, c, calls)
	}
	first, again, other := run(1), run(1), run(2)
	if !slices.Equal(first, again) {
		t.Error("the same seed chose other calls")
	}
	if slices.Equal(first, other) {
		t.Error("another seed chose the same calls")
	}
	for _, what := range []string{"made OK", "made DeadlineExceeded", "not made Unavailable", "not made Aborted"} {
		if count(first, what) == 0 {
			t.Errorf("never: %s", what)
		}
	}
}

func TestNothingGoesWrongBeforeStartAndAfterStop(t *testing.T) {
	t.Parallel()
	c := chaos.New(chaos.Options{Seed: 1})
	before := commits(t, c, 2000)
	c.Start()
	c.Stop()
	after := commits(t, c, 2000)
	if n := count(append(before, after...), "made OK"); n != 4000 {
		t.Errorf("%d of 4000 calls went well", n)
	}
}

func TestAProcessIsKilledBeforeAndAfterWhatItDoes(t *testing.T) {
	t.Parallel()
	c := chaos.New(chaos.Options{Seed: 1})
	killed := 0
	c.Attach(chaos.Reach{Kill: func(unit string) {
		if unit != "confirm-order" {
			t.Errorf("%s was killed", unit)
		}
		killed++
	}})
	c.Start()
	defer c.Stop()
	call := iam.Call{Unit: "confirm-order", Method: "/google.pubsub.v1.Publisher/Publish",
		First: message(t, &pubsubpb.PublishRequest{Topic: "projects/p/topics/orderflow.event.v1.OrderConfirmed"})}
	for killed < 2 { // there is a rest between two kills
		_ = c.Between(call, func() error { return nil })
	}
	for _, at := range c.Counts() {
		if strings.HasPrefix(string(at.Class), "SIGKILL") && at.Fired > 0 && at.Label != "confirm-order: Publish OrderConfirmed" {
			t.Errorf("killed at %q", at.Label)
		}
	}
}

func TestWhatAUnitMeetsOfItsOwnIsPassedOn(t *testing.T) {
	t.Parallel()
	c := chaos.New(chaos.Options{Seed: 1})
	c.Start()
	defer c.Stop()
	want := status.Error(codes.NotFound, "no such document")
	call := iam.Call{Unit: "u", Method: "/google.firestore.v1.Firestore/Listen", First: []byte{}}
	if err := c.Between(call, func() error { return want }); !errors.Is(err, want) {
		t.Errorf("answered %v", err)
	}
}

func TestAListenerThatIsCutEndsAsIfItsConnectionBroke(t *testing.T) {
	t.Parallel()
	c := chaos.New(chaos.Options{Seed: 1})
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	call := iam.Call{Unit: "u", Method: "/google.firestore.v1.Firestore/Listen", First: []byte{}, Cut: cut}
	err := c.Between(call, func() error {
		c.CutListeners()
		<-ctx.Done()
		return ctx.Err()
	})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("answered %v, want UNAVAILABLE", err)
	}
	c.CutListeners() // none is open any more
}

// taker is a function that writes down what it is sent.
type taker struct {
	mu     sync.Mutex
	bodies []string
}

func (f *taker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies = append(f.bodies, string(body))
	w.WriteHeader(http.StatusNoContent)
}

func TestDeliveriesAreLostDoubledAndUnacknowledged(t *testing.T) {
	t.Parallel()
	var function taker
	server := httptest.NewServer(&function)
	defer server.Close()
	c := chaos.New(chaos.Options{Seed: 7})
	c.Start()
	deliver := c.Deliveries(http.DefaultTransport)
	const sent = 300
	acknowledged := 0
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range sent {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, bytes.NewReader([]byte("event")))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Goog-Pubsub-Subscription-Name", "projects/p/subscriptions/f.OrderCreated")
			resp, err := deliver.RoundTrip(req)
			if err == nil {
				resp.Body.Close()
				mu.Lock()
				acknowledged++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	c.Stop() // lets go of what is late
	fired := map[chaos.Class]int{}
	for _, at := range c.Counts() {
		fired[at.Class] = at.Fired
	}
	if fired[chaos.DeliveryLost] == 0 || fired[chaos.DeliveryTwice] == 0 || fired[chaos.DeliveryAckLost] == 0 || fired[chaos.DeliveryLate] == 0 {
		t.Errorf("fired %v", fired)
	}
	if want := sent - fired[chaos.DeliveryLost] - fired[chaos.DeliveryAckLost]; acknowledged != want {
		t.Errorf("%d acknowledged, want %d", acknowledged, want)
	}
	if want := sent - fired[chaos.DeliveryLost] + fired[chaos.DeliveryTwice]; len(function.bodies) != want {
		t.Errorf("the function got %d, want %d", len(function.bodies), want)
	}
	for _, b := range function.bodies {
		if b != "event" {
			t.Fatalf("the function got %q", b)
		}
	}
}

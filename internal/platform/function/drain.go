package function

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// drainTime is how long requests in flight may take to finish after SIGTERM. Cloud Run kills after ten seconds.
const drainTime = 9 * time.Second

// work counts the requests in flight of this process. The functions framework has no shutdown of its own: it would drop
// them.
type work struct {
	mu       sync.Mutex
	inFlight int
	draining bool
	idle     chan struct{} // closed when draining and nothing is in flight
}

var inFlight = &work{idle: make(chan struct{})}

// begin counts a request in; false says that this process takes no more.
func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.draining {
		return false
	}
	w.inFlight++
	return true
}

func (w *work) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.inFlight--; w.draining && w.inFlight == 0 {
		close(w.idle)
	}
}

// drain refuses new requests and returns once those in flight have ended, or after most.
func (w *work) drain(most time.Duration) (drained bool) {
	w.mu.Lock()
	if !w.draining {
		if w.draining = true; w.inFlight == 0 {
			close(w.idle)
		}
	}
	w.mu.Unlock()
	select {
	case <-w.idle:
		return true
	case <-time.After(most):
		return false
	}
}

// refuse answers a request that came after SIGTERM: the platform sends it to another instance.
func refuse(w http.ResponseWriter) {
	problem.Write(w, "", fault.New(codes.Unavailable, "shutting_down", "the instance is shutting down: try again, another takes over"))
}

// exitOnSIGTERM drains this process, which is one function's own, and ends it.
func exitOnSIGTERM(name string) {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	go func() {
		<-terminated
		if !inFlight.drain(drainTime) {
			telemetry.Log(context.Background(), slog.LevelWarn, name+" ended with requests in flight")
		}
		os.Exit(0)
	}()
}

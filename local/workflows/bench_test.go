//go:build unix

package workflows_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	executions "cloud.google.com/go/workflows/executions/apiv1"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/workflows"
)

// assigns are ten steps of one assignment each.
func assigns() string {
	source := "- s0: {assign: [{x: 0}]}\n"
	for i := range 9 {
		source += fmt.Sprintf("- s%d: {assign: [{x: '${x + %d}'}]}\n", i+1, i)
	}
	return source
}

// posts are five calls, one after the other.
func posts(url string) string {
	source := ""
	for i := range 5 {
		source += fmt.Sprintf("- s%d: {call: http.post, args: {url: %s, body: {id: o1}}, result: r}\n", i, url)
	}
	return source
}

func answering(b *testing.B) string {
	return serve(b, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":true}`))
	})
}

// BenchmarkExecutions is executions that run to their end, so many at once: in process, and through the API by the official
// client, which asks until it sees the end. cpu-us/op is processor time of this process: engine, client and called server.
func BenchmarkExecutions(b *testing.B) {
	for _, work := range []struct {
		name   string
		steps  int
		source string
	}{{"assigns", 10, assigns()}, {"posts", 5, posts(answering(b))}} {
		for _, at := range []int{1, 32, 256} {
			b.Run(fmt.Sprintf("%s/process/%d", work.name, at), func(b *testing.B) {
				e := workflows.NewEngine(workflows.Options{})
				e.Deploy("w", compile(b, work.source))
				defer e.Close()
				many(b, at, work.steps, func(ctx context.Context) error {
					x, err := e.Run(ctx, "w", nil)
					if err == nil && x.State != workflows.Succeeded {
						err = fmt.Errorf("%s: %v", x.State, x.Error)
					}
					return err
				})
			})
			b.Run(fmt.Sprintf("%s/api/%d", work.name, at), func(b *testing.B) {
				client := served(b, work.source)
				many(b, at, work.steps, func(ctx context.Context) error { return runByAPI(ctx, client) })
			})
		}
	}
}

// many does one operation b.N times, so many at once.
func many(b *testing.B, at, steps int, do func(context.Context) error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var workers sync.WaitGroup
	before, began := processor(b), time.Now()
	b.ResetTimer()
	for range at {
		workers.Go(func() {
			for left.Add(-1) >= 0 {
				if err := do(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	b.StopTimer()
	n := float64(b.N)
	b.ReportMetric(float64(processor(b)-before)/n, "cpu-us/op")
	b.ReportMetric(n/time.Since(began).Seconds(), "executions/s")
	b.ReportMetric(n*float64(steps)/time.Since(began).Seconds(), "steps/s")
}

// processor is the processor time of this process so far, in microseconds.
func processor(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return (u.Utime.Nano() + u.Stime.Nano()) / 1000
}

// served is the official client of an engine with one workflow.
func served(b *testing.B, source string) *executions.Client {
	b.Helper()
	e := workflows.NewEngine(workflows.Options{Project: "p", Location: "l"})
	e.Deploy("w", compile(b, source))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Serve(ctx, l) }()
	client, err := executions.NewClient(ctx, option.WithEndpoint(l.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		client.Close()
		cancel()
		<-done
	})
	return client
}

func runByAPI(ctx context.Context, client *executions.Client) error {
	x, err := client.CreateExecution(ctx, &executionspb.CreateExecutionRequest{Parent: parent})
	for err == nil && x.GetState() != executionspb.Execution_SUCCEEDED {
		if x.GetState() != executionspb.Execution_ACTIVE {
			return fmt.Errorf("%s: %v", x.GetState(), x.GetError())
		}
		x, err = client.GetExecution(ctx, &executionspb.GetExecutionRequest{Name: x.GetName()})
	}
	return err
}

// BenchmarkWaiting is what an execution holds while it sleeps.
func BenchmarkWaiting(b *testing.B) {
	e := workflows.NewEngine(workflows.Options{})
	e.Deploy("w", compile(b, `{main: {params: [order], steps: [{sleep: {call: sys.sleep, args: {seconds: 36000}}}]}}`))
	defer e.Close()
	api, held := e.Handler(), memory()
	for range b.N {
		r := httptest.NewRequest("POST", "/v1/projects/local-project/locations/us-central1/workflows/w/executions", strings.NewReader(`{"argument":"{\"id\":\"o1\"}"}`))
		api.ServeHTTP(httptest.NewRecorder(), r)
	}
	for asleep := 0; asleep < b.N; {
		asleep = 0
		for _, x := range e.Executions("w") {
			if x.Step == "sleep" {
				asleep++
			}
		}
	}
	time.Sleep(10 * time.Millisecond)
	b.ReportMetric(float64(memory()-held)/float64(b.N), "B/execution")
}

// memory is what is live, with the stacks.
func memory() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

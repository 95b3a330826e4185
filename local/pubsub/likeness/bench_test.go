package likeness

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// BenchmarkAgainstGoogle does the same work on both by the official client, and prints ratios.
func BenchmarkAgainstGoogle(b *testing.B) {
	for b.Loop() {
		ours := measure(b, ourHost)
		if missing != nil {
			b.Logf("ONLY OURS, NOT GOOGLE'S, WAS MEASURED: %v\n%v", missing, ours)
			continue
		}
		measure(b, googleHost) // warms the JVM up
		theirs := measure(b, googleHost)
		b.Logf("%-42s %12s %12s %8s", "1 KB messages", "ours", "Google's", "ratio")
		for i, m := range ours {
			ratio := m.value / theirs[i].value
			if m.less {
				ratio = 1 / ratio
			}
			b.Logf("%-42s %12.2f %12.2f %7.1fx", m.what, m.value, theirs[i].value, ratio)
		}
	}
}

type measured struct {
	what  string
	value float64
	less  bool // is better
}

func measure(b *testing.B, host string) []measured {
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	project := fmt.Sprintf("p%d", projects.Add(1))
	c, err := client.NewClient(context.Background(), project, option.WithGRPCConn(conn))
	if err != nil {
		b.Fatal(err)
	}
	r := &runner{b: b, c: c, project: "projects/" + project, data: make([]byte, 1024)}
	r.topic("publish")
	r.topic("deliver")
	latency, p99 := r.latency(300)
	return []measured{
		{"publish, one at a time, messages/s", r.publish(1, 1500), false},
		{"publish, 32 at a time, messages/s", r.publish(32, 8000), false},
		{"delivery while idle, p50 ms", latency, true},
		{"delivery while idle, p99 ms", p99, true},
		{"publish and delivery, batched, messages/s", r.throughput(30000), false},
	}
}

type runner struct {
	b       *testing.B
	c       *client.Client
	project string
	data    []byte
}

func (r *runner) topic(id string) {
	ctx := context.Background()
	if _, err := r.c.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: r.project + "/topics/" + id}); err != nil {
		r.b.Fatal(err)
	}
	sub := &pubsubpb.Subscription{Name: r.project + "/subscriptions/" + id, Topic: r.project + "/topics/" + id}
	if _, err := r.c.SubscriptionAdminClient.CreateSubscription(ctx, sub); err != nil {
		r.b.Fatal(err)
	}
}

// publish measures messages a second, each in a call of its own.
func (r *runner) publish(workers, total int) float64 {
	began := time.Now()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range total / workers {
				_, err := r.c.TopicAdminClient.Publish(context.Background(), &pubsubpb.PublishRequest{
					Topic: r.project + "/topics/publish", Messages: []*pubsubpb.PubsubMessage{{Data: r.data}},
				})
				if err != nil {
					r.b.Error(err)
				}
			}
		})
	}
	all.Wait()
	return float64(total) / time.Since(began).Seconds()
}

// receive hands messages over until told to stop.
func (r *runner) receive(handle func()) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	sub := r.c.Subscriber("deliver")
	sub.ReceiveSettings.MaxOutstandingMessages = 10000
	go func() {
		done <- sub.Receive(ctx, func(_ context.Context, m *client.Message) { m.Ack(); handle() })
	}()
	return func() {
		cancel()
		if err := <-done; err != nil {
			r.b.Error(err)
		}
	}
}

// latency is how long messages take from the call to the handler, one after the other.
func (r *runner) latency(total int) (p50, p99 float64) {
	came := make(chan struct{}, 1)
	stop := r.receive(func() { came <- struct{}{} })
	defer stop()
	var all []float64
	for i := range total {
		began := time.Now()
		_, err := r.c.TopicAdminClient.Publish(context.Background(), &pubsubpb.PublishRequest{
			Topic: r.project + "/topics/deliver", Messages: []*pubsubpb.PubsubMessage{{Data: r.data}},
		})
		if err != nil {
			r.b.Fatal(err)
		}
		<-came
		if i >= 10 { // the stream is there
			all = append(all, float64(time.Since(began).Microseconds())/1000)
		}
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}

// throughput is messages a second from the client's publisher, which batches them, to the handler.
func (r *runner) throughput(total int) float64 {
	var came sync.WaitGroup
	came.Add(total)
	stop := r.receive(came.Done)
	defer stop()
	publisher := r.c.Publisher("deliver")
	defer publisher.Stop()
	began := time.Now()
	for range total {
		publisher.Publish(context.Background(), &client.Message{Data: r.data})
	}
	came.Wait()
	return float64(total) / time.Since(began).Seconds()
}

package pubsub

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
)

const (
	crowdKeys      = 5
	crowdMessages  = 60 // of each key
	crowdConsumers = 6
)

// crowd is publishers and subscribers at work.
type crowd struct {
	*world
	seed uint64
	kind *pubsubpb.Subscription

	mu    sync.Mutex
	tame  bool           // everybody acknowledges from now on
	acked map[string]int // times, by text
	last  map[string]int // delivered of each key
	first map[string]int // how far deliveries of each key got
}

func newCrowd(w *world, seed uint64, kind func(*pubsubpb.Subscription)) *crowd {
	w.topic("top")
	w.topic("dead")
	w.subscription("letters", "dead")
	w.subscription("sub", "top", kind)
	c := &crowd{
		world: w, seed: seed, kind: &pubsubpb.Subscription{}, acked: map[string]int{}, last: map[string]int{},
		first: map[string]int{},
	}
	kind(c.kind)
	return c
}

func (c *crowd) run() {
	ctx, cancel := context.WithCancel(c.t.Context())
	var consumers, publishers sync.WaitGroup
	for i := range uint64(crowdConsumers) {
		consumers.Go(func() { c.consume(ctx, rand.New(rand.NewPCG(c.seed, i)), i%2 == 0) })
	}
	for key := range uint64(crowdKeys) {
		publishers.Go(func() { c.produce(rand.New(rand.NewPCG(c.seed, 100+key)), fmt.Sprint("k", key)) })
	}
	publishers.Wait()
	pass(3 * time.Minute)
	c.mu.Lock()
	c.tame = true
	c.mu.Unlock()
	pass(10 * time.Minute)
	cancel()
	consumers.Wait()
	c.check()
}

func (c *crowd) produce(r *rand.Rand, key string) {
	for n := 0; n < crowdMessages; {
		req := &pubsubpb.PublishRequest{Topic: topics + "top"}
		for range 1 + r.IntN(4) {
			if n < crowdMessages {
				req.Messages = append(req.Messages, &pubsubpb.PubsubMessage{
					Data: fmt.Appendf(nil, "%s/%d", key, n), OrderingKey: key,
				})
				n++
			}
		}
		if _, err := c.pub.Publish(c.t.Context(), req); err != nil {
			c.t.Error(err)
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
	}
}

// consume comes and goes: each time as a stream or as a pull.
func (c *crowd) consume(ctx context.Context, r *rand.Rand, streams bool) {
	for ctx.Err() == nil {
		stay, cancel := context.WithTimeout(ctx, time.Duration(1+r.IntN(20_000))*time.Millisecond)
		if streams {
			c.stream(stay, r)
		} else if resp, err := c.sub.Pull(stay, &pubsubpb.PullRequest{
			Subscription: subs + "sub", MaxMessages: int32(1 + r.IntN(20)),
		}); err == nil {
			c.note(resp.GetReceivedMessages())
			c.work(r, resp.GetReceivedMessages(), c.settle)
		}
		cancel()
	}
}

// settle says what becomes of a message by the unary calls.
func (c *crowd) settle(id string, ack bool) {
	if ack {
		_, _ = c.sub.Acknowledge(context.Background(), &pubsubpb.AcknowledgeRequest{
			Subscription: subs + "sub", AckIds: []string{id},
		})
		return
	}
	_, _ = c.sub.ModifyAckDeadline(context.Background(), &pubsubpb.ModifyAckDeadlineRequest{
		Subscription: subs + "sub", AckIds: []string{id},
	})
}

func (c *crowd) stream(ctx context.Context, r *rand.Rand) {
	pipe := &pipe{
		ctx: ctx, note: c.note, requests: make(chan *pubsubpb.StreamingPullRequest, 1),
		responses: make(chan *pubsubpb.StreamingPullResponse, 10*crowdKeys*crowdMessages),
	}
	pipe.requests <- &pubsubpb.StreamingPullRequest{
		Subscription: subs + "sub", StreamAckDeadlineSeconds: 10, MaxOutstandingMessages: int64(r.IntN(10)),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.sub.StreamingPull(pipe)
	}()
	for {
		select {
		case <-ended:
			return
		case resp := <-pipe.responses:
			c.work(r, resp.GetReceivedMessages(), func(id string, ack bool) {
				req := &pubsubpb.StreamingPullRequest{AckIds: []string{id}}
				if !ack {
					req = &pubsubpb.StreamingPullRequest{ModifyDeadlineAckIds: []string{id}, ModifyDeadlineSeconds: []int32{0}}
				}
				select {
				case pipe.requests <- req:
				case <-ended:
				}
			})
		}
	}
}

// work settles messages as a subscriber does that minds their order: after a failure it leaves the rest of the key
// alone.
func (c *crowd) work(r *rand.Rand, got received, settle func(id string, ack bool)) {
	broken := map[string]bool{}
	for _, m := range got {
		key := m.GetMessage().GetOrderingKey()
		c.mu.Lock()
		tame := c.tame
		c.mu.Unlock()
		if !tame {
			time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
		}
		dice := r.IntN(10)
		switch {
		case broken[key] && c.kind.GetEnableMessageOrdering():
		case tame || dice < 7:
			c.mu.Lock()
			c.acked[string(m.GetMessage().GetData())]++
			c.mu.Unlock()
			settle(m.GetAckId(), true)
		case dice < 9:
			broken[key] = true
			settle(m.GetAckId(), false)
		default: // its lease ends
			broken[key] = true
		}
	}
}

// note checks the order of deliveries: the next of its key, or one that was there before.
func (c *crowd) note(got received) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range got {
		key := m.GetMessage().GetOrderingKey()
		n, err := strconv.Atoi(string(m.GetMessage().GetData())[len(key)+1:])
		if err != nil {
			c.t.Error(err)
		}
		if c.kind.GetEnableMessageOrdering() && n > c.first[key] {
			c.t.Errorf("%s: %d came before %d", key, n, c.first[key])
		}
		c.first[key] = max(c.first[key], n+1)
		if c.kind.GetEnableMessageOrdering() && c.kind.GetDeadLetterPolicy() == nil && n > c.last[key]+1 {
			c.t.Errorf("%s: %d came after %d", key, n, c.last[key])
		}
		c.last[key] = n
	}
}

func (c *crowd) check() {
	dead := map[string]bool{}
	for got := c.pull("letters", 1000); len(got) > 0; got = c.pull("letters", 1000) {
		for _, text := range got.texts() {
			if dead[text] {
				c.t.Errorf("%s is a dead letter twice", text)
			}
			dead[text] = true
		}
	}
	for key := range crowdKeys {
		for n := range crowdMessages {
			if text := fmt.Sprintf("k%d/%d", key, n); c.acked[text] == 0 && !dead[text] {
				c.t.Errorf("%s was lost", text)
			}
		}
	}
	sub := c.server.subscriptions[subs+"sub"]
	sub.mu.Lock()
	defer sub.mu.Unlock()
	left := map[string]int{
		"messages": sub.backlog.Len(), "ready": sub.ready.Len(), "keys": len(sub.keys), "deadlines": sub.deadlines.Len(),
		"idle": sub.idle.Len(), "woken": sub.woken,
	}
	maps.DeleteFunc(left, func(_ string, n int) bool { return n == 0 })
	if len(left) > 0 {
		c.t.Errorf("these are left: %v", left)
	}
	if c.kind.GetDeadLetterPolicy() != nil && len(dead) == 0 {
		c.t.Log("no dead letter in this run")
	}
}

// pipe is a stream without a network. What is sent is noted at once, whenever it is received.
type pipe struct {
	grpc.ServerStream
	ctx       context.Context
	note      func(received)
	requests  chan *pubsubpb.StreamingPullRequest
	responses chan *pubsubpb.StreamingPullResponse
}

func (p *pipe) Context() context.Context { return p.ctx }

func (p *pipe) Recv() (*pubsubpb.StreamingPullRequest, error) {
	select {
	case req := <-p.requests:
		return req, nil
	case <-p.ctx.Done():
		return nil, io.EOF
	}
}

func (p *pipe) Send(resp *pubsubpb.StreamingPullResponse) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	p.note(resp.GetReceivedMessages())
	p.responses <- resp
	return nil
}

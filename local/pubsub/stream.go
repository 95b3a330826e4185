package pubsub

import (
	"context"
	"errors"
	"io"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
)

// stream is a StreamingPull under way.
type stream struct {
	pubsubpb.Subscriber_StreamingPullServer
	sub      *subscription
	consumer *consumer
	answers  chan *pubsubpb.StreamingPullResponse // to what the client sent
}

func (s subscriber) StreamingPull(client pubsubpb.Subscriber_StreamingPullServer) error {
	first, err := client.Recv()
	if err != nil {
		return ended(err)
	}
	sub, err := s.find(first.GetSubscription())
	if err != nil {
		return err
	}
	if seconds := first.GetStreamAckDeadlineSeconds(); seconds == 0 {
		return invalid("stream from %s: stream_ack_deadline_seconds is missing in the first request", sub.name)
	}
	c := newConsumer(0)
	c.maxMessages, c.maxBytes = max(first.GetMaxOutstandingMessages(), 0), max(first.GetMaxOutstandingBytes(), 0)
	st := &stream{Subscriber_StreamingPullServer: client, sub: sub, consumer: c}
	st.answers = make(chan *pubsubpb.StreamingPullResponse, 1)
	defer sub.leave(c)
	if err := st.handle(client.Context(), first); err != nil {
		return err
	}
	return st.serve()
}

// ended is the error of a stream whose client has no more to say: none.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// serve sends while another goroutine receives: the client's messages matter also while it does not read ours.
func (st *stream) serve() error {
	ctx, cancel := context.WithCancel(st.Context())
	defer cancel()
	received := make(chan error, 1)
	go func() { received <- st.receive(ctx) }()
	for {
		b, err := st.sub.take(st.consumer, batchMessages)
		if err != nil {
			return err
		}
		if len(b.received) > 0 {
			if err := st.Send(st.response(b.received)); err != nil {
				st.sub.giveBack(b)
				return err
			}
		}
		if done, err := st.pause(received, len(b.received) > 0); done {
			return err
		}
	}
}

// always is what never makes anybody wait.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// pause waits for something to do, unless there may be more to send.
func (st *stream) pause(received <-chan error, more bool) (done bool, err error) {
	var ready <-chan struct{}
	if more {
		ready = always
	}
	select {
	case err := <-received:
		return true, ended(err)
	case <-st.sub.server.closing:
		return true, errStopping
	case answer := <-st.answers:
		return false, st.Send(answer)
	case <-st.sub.ended:
	case <-st.consumer.wake:
	case <-ready:
	}
	return false, nil
}

func (st *stream) receive(ctx context.Context) error {
	for {
		req, err := st.Recv()
		if err != nil {
			return err
		}
		if err := checkLater(req); err != nil {
			return err
		}
		if err := st.handle(ctx, req); err != nil {
			return err
		}
	}
}

// checkLater knows what only the first request of a stream may have.
func checkLater(req *pubsubpb.StreamingPullRequest) error {
	switch {
	case req.GetSubscription() != "":
		return invalid("stream: subscription may be set in the first request only")
	case req.GetClientId() != "":
		return invalid("stream: client_id may be set in the first request only")
	case req.GetMaxOutstandingMessages() != 0 || req.GetMaxOutstandingBytes() != 0:
		return invalid("stream: the limits of what is outstanding may be set in the first request only")
	case req.GetProtocolVersion() != 0:
		return invalid("stream: protocol_version may be set in the first request only")
	}
	return nil
}

func (st *stream) handle(ctx context.Context, req *pubsubpb.StreamingPullRequest) error {
	acks, err := st.sub.handouts(req.GetAckIds())
	if err != nil {
		return err
	}
	extensions, err := st.sub.handouts(req.GetModifyDeadlineAckIds())
	if err != nil {
		return err
	}
	if err := checkStream(req); err != nil {
		return err
	}
	if seconds := req.GetStreamAckDeadlineSeconds(); seconds != 0 {
		st.sub.setDeadline(st.consumer, time.Duration(seconds)*time.Second)
	}
	answer := st.response(nil)
	failed, logged := st.sub.acknowledgeAll(acks, req.GetAckIds())
	unextended := st.sub.extendAll(extensions, req.GetModifyDeadlineSeconds(), req.GetModifyDeadlineAckIds())
	if st.sub.isExactlyOnce() {
		if err := st.sub.server.log.Wait(ctx, logged); err != nil {
			return err
		}
		confirm(answer, req, failed, unextended)
	}
	return st.answer(ctx, req, answer)
}

func checkStream(req *pubsubpb.StreamingPullRequest) error {
	if len(req.GetModifyDeadlineSeconds()) != len(req.GetModifyDeadlineAckIds()) {
		return invalid("stream: %d modify_deadline_ack_ids and %d modify_deadline_seconds, want as many",
			len(req.GetModifyDeadlineAckIds()), len(req.GetModifyDeadlineSeconds()))
	}
	for _, seconds := range req.GetModifyDeadlineSeconds() {
		if err := checkExtension(seconds); err != nil {
			return err
		}
	}
	if d := time.Duration(req.GetStreamAckDeadlineSeconds()) * time.Second; d != 0 && (d < minAck || d > maxAck) {
		return invalid("stream_ack_deadline_seconds is %d, want 10 to 600", req.GetStreamAckDeadlineSeconds())
	}
	return nil
}

// answer sends a confirmation, or the sign of life that a client wants that sent nothing but one.
func (st *stream) answer(
	ctx context.Context, req *pubsubpb.StreamingPullRequest, answer *pubsubpb.StreamingPullResponse,
) error {
	ping := req.GetSubscription() == "" && len(req.GetAckIds()) == 0 && len(req.GetModifyDeadlineAckIds()) == 0
	if !ping && answer.AcknowledgeConfirmation == nil && answer.ModifyAckDeadlineConfirmation == nil {
		return nil
	}
	select {
	case st.answers <- answer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func confirm(answer *pubsubpb.StreamingPullResponse, req *pubsubpb.StreamingPullRequest, failed, unextended []string) {
	if len(req.GetAckIds()) > 0 {
		answer.AcknowledgeConfirmation = &pubsubpb.StreamingPullResponse_AcknowledgeConfirmation{
			AckIds: without(req.GetAckIds(), failed), InvalidAckIds: failed,
		}
	}
	if len(req.GetModifyDeadlineAckIds()) > 0 {
		answer.ModifyAckDeadlineConfirmation = &pubsubpb.StreamingPullResponse_ModifyAckDeadlineConfirmation{
			AckIds: without(req.GetModifyDeadlineAckIds(), unextended), InvalidAckIds: unextended,
		}
	}
}

func without(all, some []string) []string {
	gone := map[string]bool{}
	for _, s := range some {
		gone[s] = true
	}
	var rest []string
	for _, s := range all {
		if !gone[s] {
			rest = append(rest, s)
		}
	}
	return rest
}

func (st *stream) response(received []*pubsubpb.ReceivedMessage) *pubsubpb.StreamingPullResponse {
	return &pubsubpb.StreamingPullResponse{ReceivedMessages: received, SubscriptionProperties: st.sub.properties()}
}

func (s *subscription) properties() *pubsubpb.StreamingPullResponse_SubscriptionProperties {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &pubsubpb.StreamingPullResponse_SubscriptionProperties{
		ExactlyOnceDeliveryEnabled: s.exactlyOnce, MessageOrderingEnabled: s.ordered,
	}
}

func (s *subscription) setDeadline(c *consumer, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ackDeadline = d
}

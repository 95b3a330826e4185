package pubsub

import (
	"context"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// longPoll is how long a pull waits for a message. It is within the time that the clients allow a pull, a minute.
const longPoll = 20 * time.Second

func (s subscriber) Pull(ctx context.Context, req *pubsubpb.PullRequest) (*pubsubpb.PullResponse, error) {
	sub, err := s.find(req.GetSubscription())
	switch {
	case err != nil:
		return nil, err
	case req.GetMaxMessages() <= 0:
		return nil, invalid("pull from %s: max_messages is %d, want 1 at least", sub.name, req.GetMaxMessages())
	}
	wait, cancel := context.WithTimeout(ctx, longPoll)
	defer cancel()
	//lint:ignore SA1019 it is still part of the API
	if req.GetReturnImmediately() {
		cancel()
	}
	c := newConsumer(sub.deadline())
	defer sub.leave(c)
	b, err := sub.await(wait, c, int(req.GetMaxMessages()))
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		sub.giveBack(b)
		return nil, status.FromContextError(err).Err()
	}
	return &pubsubpb.PullResponse{ReceivedMessages: b.received}, nil
}

// await takes messages as soon as there are any. The batch is empty if ctx or the server ended before.
func (s *subscription) await(ctx context.Context, c *consumer, limit int) (batch, error) {
	for {
		b, err := s.take(c, limit)
		if err != nil || len(b.received) > 0 {
			return b, err
		}
		select {
		case <-c.wake:
		case <-s.ended:
		case <-ctx.Done():
			return b, nil
		case <-s.server.closing:
			return b, errStopping
		}
	}
}

func (s *subscription) deadline() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ackDeadline
}

// ackID names the last hand-out of a message.
func (s *subscription) ackID(d *delivery) string {
	return strconv.FormatInt(d.id, 36) + "." + strconv.FormatInt(d.lease, 36) + "." + s.mark
}

// markOf is in the ack ids of a subscription, so that another's are told from them.
func markOf(subscription string) string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(subscription))), 36)
}

type handout struct{ message, lease int64 }

// handouts are what ack ids name. One that the subscription did not give is an error.
func (s *subscription) handouts(ackIDs []string) ([]handout, error) {
	all := make([]handout, len(ackIDs))
	for i, id := range ackIDs {
		parts := strings.Split(id, ".")
		if len(parts) != 3 || parts[2] != s.mark {
			return nil, invalid("ack id %q is not one of %s", id, s.name)
		}
		var err, bad error
		all[i].message, err = strconv.ParseInt(parts[0], 36, 64)
		all[i].lease, bad = strconv.ParseInt(parts[1], 36, 64)
		if err != nil || bad != nil {
			return nil, invalid("ack id %q is not one of %s", id, s.name)
		}
	}
	return all, nil
}

// checkAcks is for both kinds of requests with ack ids.
func (s *subscription) checkAcks(req proto.Message, ackIDs []string) ([]handout, error) {
	if len(ackIDs) == 0 {
		return nil, invalid("no ack ids")
	}
	if size := proto.Size(req); size > maxAckBytes {
		return nil, invalid("the request has %d bytes, at most %d are taken", size, maxAckBytes)
	}
	return s.handouts(ackIDs)
}

func (s subscriber) Acknowledge(ctx context.Context, req *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	sub, err := s.find(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	all, err := sub.checkAcks(req, req.GetAckIds())
	if err != nil {
		return nil, err
	}
	failed, logged := sub.acknowledgeAll(all, req.GetAckIds())
	if !sub.isExactlyOnce() {
		return &emptypb.Empty{}, nil // one that a crash takes back is a message delivered again
	}
	if err := s.log.Wait(ctx, logged); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, ackFailure(failed)
}

func (s subscriber) ModifyAckDeadline(
	_ context.Context, req *pubsubpb.ModifyAckDeadlineRequest,
) (*emptypb.Empty, error) {
	sub, err := s.find(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	all, err := sub.checkAcks(req, req.GetAckIds())
	if err != nil {
		return nil, err
	}
	if err := checkExtension(req.GetAckDeadlineSeconds()); err != nil {
		return nil, err
	}
	seconds := make([]int32, len(all))
	for i := range seconds {
		seconds[i] = req.GetAckDeadlineSeconds()
	}
	failed := sub.extendAll(all, seconds, req.GetAckIds())
	if sub.isExactlyOnce() {
		return &emptypb.Empty{}, ackFailure(failed)
	}
	return &emptypb.Empty{}, nil
}

func checkExtension(seconds int32) error {
	if seconds < 0 || seconds > int32(maxAck.Seconds()) {
		return invalid("ack deadline is %d s, want 0 to 600", seconds)
	}
	return nil
}

// acknowledgeAll answers the ack ids of leases that had ended.
func (s *subscription) acknowledgeAll(all []handout, ackIDs []string) (failed []string, logged position) {
	logged = s.update(func(time.Time) {
		for i, h := range all {
			if !s.acknowledge(h.message, h.lease) {
				failed = append(failed, ackIDs[i])
			}
		}
	})
	return failed, logged
}

func (s *subscription) extendAll(all []handout, seconds []int32, ackIDs []string) (failed []string) {
	s.update(func(now time.Time) {
		for i, h := range all {
			if !s.extend(h.message, h.lease, time.Duration(seconds[i])*time.Second, now) {
				failed = append(failed, ackIDs[i])
			}
		}
	})
	return failed
}

func (s *subscription) isExactlyOnce() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exactlyOnce
}

// ackFailure tells a client of exactly-once delivery which leases had ended, in the form that the clients read
// (https://cloud.google.com/pubsub/docs/exactly-once-delivery).
func ackFailure(ackIDs []string) error {
	if len(ackIDs) == 0 {
		return nil
	}
	failures := map[string]string{}
	for _, id := range ackIDs {
		failures[id] = "PERMANENT_FAILURE_INVALID_ACK_ID"
	}
	st := status.Newf(codes.InvalidArgument, "%d ack ids are of leases that have ended", len(ackIDs))
	detailed, err := st.WithDetails(&errdetails.ErrorInfo{
		Reason: "EXACTLY_ONCE_ACKID_FAILURE", Domain: "pubsub.googleapis.com", Metadata: failures,
	})
	if err != nil {
		return st.Err()
	}
	return detailed.Err()
}

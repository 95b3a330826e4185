package pubsub

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
)

// part is the server as the log sees it.
type part Server

func (p *part) server() *Server { return (*Server)(p) }

// Replay applies a record. It does what the call did that appended it, save that it appends nothing.
func (p *part) Replay(record []byte) error {
	k, fields, err := parse(record)
	if err != nil {
		return fmt.Errorf("replay Pub/Sub: %w", err)
	}
	if len(fields) == 0 {
		return fmt.Errorf("replay Pub/Sub: a record of kind %c has no fields", k)
	}
	s := p.server()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.replay(k, fields); err != nil {
		return fmt.Errorf("replay Pub/Sub: a record of kind %c: %w", k, err)
	}
	return nil
}

var errFields = errors.New("fields are missing")

func (s *Server) replay(k kind, fields [][]byte) error {
	name := string(fields[0])
	switch k {
	case topicSet:
		return replayProto(fields[0], s.setTopic)
	case topicDeleted:
		s.deleteTopic(name)
	case subscriptionSet:
		return s.replaySubscription(fields)
	case subscriptionDeleted:
		s.deleteSubscription(name)
	case schemaSet:
		return s.replaySchema(fields)
	case schemaDeleted:
		s.deleteSchema(name)
	case published:
		return s.replayPublished(name, fields[1:])
	case acknowledged:
		return s.replayAcknowledged(name, fields[1:])
	case forwarded:
		return s.replayForwarded(name, fields[1:])
	case sought:
		return s.replaySeek(fields)
	case lastID:
		id, err := decodeID(fields[0])
		s.given(id)
		return err
	case stored:
		return s.replayMessage(fields)
	default:
		return errors.New("this version does not know it")
	}
	return nil
}

func replayProto[M any, P interface {
	*M
	proto.Message
}](field []byte, apply func(P)) error {
	m := P(new(M))
	if err := proto.Unmarshal(field, m); err != nil {
		return err
	}
	apply(m)
	return nil
}

// given remembers that an id is taken.
func (s *Server) given(id int64) { s.ids.Store(max(s.ids.Load(), id)) }

func (s *Server) replaySubscription(fields [][]byte) error {
	if len(fields) != 2 {
		return errFields
	}
	since, err := decodeID(fields[1])
	if err != nil {
		return err
	}
	config := &pubsubpb.Subscription{}
	if err := proto.Unmarshal(fields[0], config); err != nil {
		return err
	}
	compiled, err := compile(config)
	if err != nil {
		return err
	}
	s.setSubscription(config, since, compiled)
	return nil
}

func (s *Server) replayPublished(topic string, fields [][]byte) error {
	messages, err := decodeMessages(fields)
	if err != nil {
		return err
	}
	for _, m := range messages {
		s.given(m.id)
	}
	if t := s.topics[topic]; t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.deliver(messages)
	}
	return nil
}

func (s *Server) replayAcknowledged(name string, fields [][]byte) error {
	for _, f := range fields {
		id, err := decodeID(f)
		if err != nil {
			return err
		}
		s.with(name, id, (*subscription).finishNow)
	}
	return nil
}

func (s *Server) replayForwarded(name string, fields [][]byte) error {
	if len(fields) < 2 {
		return errFields
	}
	id, err := decodeID(fields[0])
	if err != nil {
		return err
	}
	s.with(name, id, (*subscription).drop)
	return s.replayPublished(string(fields[1]), fields[2:])
}

// with does something with a message that may be there no longer.
func (s *Server) with(name string, id int64, do func(*subscription, *delivery)) {
	sub := s.subscriptions[name]
	if sub == nil {
		return
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if d, ok := sub.backlog.Get(id); ok {
		do(sub, d)
	}
	sub.finished = sub.finished[:0]
}

// finishNow acknowledges without regard to what is before the message.
func (s *subscription) finishNow(d *delivery) {
	if l := d.line; l != nil {
		l.remove(l.index(d))
		s.keep(d)
		s.settle(l)
	}
}

func (s *Server) replaySeek(fields [][]byte) error {
	if len(fields) != 2 {
		return errFields
	}
	last, err := decodeID(fields[1])
	if err != nil {
		return err
	}
	return replayProto(fields[0], func(req *pubsubpb.SeekRequest) {
		if sub := s.subscriptions[req.GetSubscription()]; sub != nil {
			sub.seek(req.GetTime().AsTime(), last)
		}
	})
}

// replayMessage puts back a message of a snapshot.
func (s *Server) replayMessage(fields [][]byte) error {
	if len(fields) < 2 {
		return errFields
	}
	messages, err := decodeMessages(fields[:1])
	if err != nil {
		return err
	}
	if t := s.topics[string(fields[1])]; t != nil {
		t.mu.Lock()
		t.keep(messages)
		t.mu.Unlock()
	}
	for _, f := range fields[2:] {
		state, name, _ := strings.Cut(string(f), " ")
		if sub := s.subscriptions[name]; sub != nil {
			sub.update(func(time.Time) { sub.restore(messages[0], state == "retained") })
		}
	}
	return nil
}

func (s *subscription) restore(m *message, acknowledged bool) {
	if _, ok := s.backlog.Get(m.id); !ok && s.gone == nil {
		s.replace(&delivery{message: m}, acknowledged)
	}
}

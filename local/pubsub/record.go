package pubsub

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"

	"orderflow.dev/local/wal"
)

type position = wal.Position

// kind says what a record of the log tells, and what its fields are.
type kind byte

const (
	topicSet            kind = 'T' // configuration
	topicDeleted        kind = 't' // name
	subscriptionSet     kind = 'S' // configuration, id after which it gets messages
	subscriptionDeleted kind = 's' // name
	schemaSet           kind = 'C' // revisions, the oldest first
	schemaDeleted       kind = 'c' // name
	published           kind = 'P' // topic, messages
	acknowledged        kind = 'A' // subscription, ids of messages
	forwarded           kind = 'F' // subscription, id of the message there, dead-letter topic, message
	sought              kind = 'K' // request, last id given to a message before
	lastID              kind = 'N' // last id given to a message; of snapshots only, as is the next
	stored              kind = 'M' // message, topic that keeps it, subscriptions that have it, each after its state
)

// record is a kind and fields, each with its length before it.
func record(k kind, fields ...[]byte) []byte {
	size := 1
	for _, f := range fields {
		size += binary.MaxVarintLen32 + len(f)
	}
	b := append(make([]byte, 0, size), byte(k))
	for _, f := range fields {
		b = append(binary.AppendUvarint(b, uint64(len(f))), f...)
	}
	return b
}

// parse takes a record apart. The fields are parts of it.
func parse(b []byte) (k kind, fields [][]byte, err error) {
	if len(b) == 0 {
		return 0, nil, fmt.Errorf("an empty record")
	}
	k, b = kind(b[0]), b[1:]
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return 0, nil, fmt.Errorf("a record of kind %c is cut off", k)
		}
		fields = append(fields, b[n:n+int(size)])
		b = b[n+int(size):]
	}
	return k, fields, nil
}

// append is called under the lock that orders what it tells of.
func (s *Server) append(k kind, fields ...[]byte) position {
	if s.log == nil {
		return 0
	}
	return s.log.Append(record(k, fields...))
}

func (s *Server) appendSubscription(sub *subscription) position {
	return s.append(subscriptionSet, encodeMessage(sub.config), encodeID(sub.since))
}

// log tells the log of acknowledgements. The caller has the subscription's lock.
func (s *subscription) log() position {
	if len(s.finished) == 0 {
		return 0
	}
	finished := s.finished
	s.finished = s.finished[:0]
	if s.server.log == nil {
		return 0
	}
	fields := [][]byte{[]byte(s.name)}
	for _, id := range finished {
		fields = append(fields, encodeID(id))
	}
	return s.server.append(acknowledged, fields...)
}

// encodeMessage panics at what gRPC could not have received.
func encodeMessage(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("encode %T for the log: %v", m, err))
	}
	return b
}

func encode(messages []*message) [][]byte {
	all := make([][]byte, len(messages))
	for i, m := range messages {
		all[i] = encodeMessage(m.body)
	}
	return all
}

func decodeMessages(fields [][]byte) ([]*message, error) {
	var all []*message
	for _, f := range fields {
		body := &pubsubpb.PubsubMessage{}
		if err := proto.Unmarshal(f, body); err != nil {
			return nil, err
		}
		id, err := strconv.ParseInt(body.GetMessageId(), 10, 64)
		if err != nil {
			return nil, err
		}
		all = append(all, newMessage(id, body))
	}
	return all, nil
}

func encodeID(id int64) []byte { return binary.AppendVarint(nil, id) }

func decodeID(b []byte) (int64, error) {
	id, n := binary.Varint(b)
	if n != len(b) {
		return 0, fmt.Errorf("%x is not a message's id", b)
	}
	return id, nil
}

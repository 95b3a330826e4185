package pubsub

import (
	"maps"
	"slices"
)

// Snapshot emits what makes the server's state. Each message is told of once, with everybody who has it, so that they
// share it again.
func (p *part) Snapshot(emit func(record []byte) error) error {
	s := p.server()
	records, topics, subscriptions := s.configuration()
	for _, r := range records {
		if err := emit(r); err != nil {
			return err
		}
	}
	for _, m := range holdings(topics, subscriptions) {
		if err := emit(m.record()); err != nil {
			return err
		}
	}
	return nil
}

// configuration is everything but messages. It has the lock for writing, so that each message that was appended
// before is in all of its subscriptions.
func (s *Server) configuration() (records [][]byte, topics []*topic, subscriptions []*subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	records = append(records, record(lastID, encodeID(s.ids.Load())))
	for _, r := range s.schemas {
		records = append(records, record(schemaSet, r.encode()...))
	}
	for _, t := range s.topics {
		records = append(records, record(topicSet, encodeMessage(t.config)))
	}
	for _, sub := range s.subscriptions {
		records = append(records, record(subscriptionSet, encodeMessage(sub.config), encodeID(sub.since)))
	}
	return records, slices.Collect(maps.Values(s.topics)), slices.Collect(maps.Values(s.subscriptions))
}

// holding is a message and who has it.
type holding struct {
	*message
	topic         string
	subscriptions [][]byte
}

func (h *holding) record() []byte {
	return record(stored, append([][]byte{encodeMessage(h.body), []byte(h.topic)}, h.subscriptions...)...)
}

// holdings are in the order of publication.
func holdings(topics []*topic, subscriptions []*subscription) []*holding {
	all := map[int64]*holding{}
	of := func(m *message) *holding {
		if all[m.id] == nil {
			all[m.id] = &holding{message: m}
		}
		return all[m.id]
	}
	for _, t := range topics {
		for _, m := range t.messages() {
			of(m).topic = t.name
		}
	}
	for _, sub := range subscriptions {
		sub.mu.Lock()
		for _, d := range sub.deliveries() {
			state := "waiting "
			if d.state == retained {
				state = "retained "
			}
			h := of(d.message)
			h.subscriptions = append(h.subscriptions, []byte(state+sub.name))
		}
		sub.mu.Unlock()
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *holding) int { return int(a.id - b.id) })
}

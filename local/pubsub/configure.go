package pubsub

import (
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// reconfigure is given a configuration that is valid.
func (s *subscription) reconfigure(config *pubsubpb.Subscription, compiled settings) {
	s.update(func(time.Time) {
		s.config, s.settings = config, compiled
		if s.retain {
			return
		}
		for _, d := range s.deliveries() {
			if d.state == retained {
				s.drop(d)
			}
		}
	})
}

// change changes a field that the server sets itself.
func (s *subscription) change(set func(*pubsubpb.Subscription)) {
	c := proto.CloneOf(s.config)
	set(c)
	compiled, err := compile(c)
	if err != nil {
		panic(err) // it was valid, and these fields make it no less so
	}
	s.reconfigure(c, compiled)
}

func (s *subscription) keepAsLongAs(topic *durationpb.Duration) {
	s.change(func(c *pubsubpb.Subscription) { c.TopicMessageRetentionDuration = topic })
}

// end drops everything and tells the consumers why.
func (s *subscription) end(why error) {
	s.update(func(time.Time) {
		if s.gone != nil {
			return
		}
		s.gone = why
		close(s.ended)
		for _, d := range s.deliveries() {
			s.drop(d)
		}
		s.finished = nil
	})
	s.stop(why)
}

// stop lets nothing happen any more.
func (s *subscription) stop(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		s.gone = why
		close(s.ended)
	}
	if s.timer != nil {
		s.timer.Stop()
	}
}

package e2e

import (
	"context"
	"time"

	"orderflow.dev"
	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/stack"
)

// Archived are the events of the last hour that the running stack has archived, each once, by publish time.
func Archived(ctx context.Context) ([]archive.Event, error) {
	b, err := bucket.Open(ctx, unit.BucketName(stack.Project, archive.Bucket))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	s := &archive.Selection{Window: archive.Window{From: now.Add(-time.Hour), To: now}}
	seen := map[string]bool{}
	for _, u := range units {
		for _, p := range u.Publishes {
			topic := unit.Event{Type: p}.Topic()
			if seen[topic] {
				continue
			}
			seen[topic] = true
			if err := addTopic(ctx, s, b, topic); err != nil {
				return nil, err
			}
		}
	}
	return s.Events(), nil
}

func addTopic(ctx context.Context, s *archive.Selection, b *bucket.Bucket, topic string) error {
	files, err := archive.Files(ctx, b, topic, s.Window)
	if err != nil {
		return err
	}
	for _, f := range files {
		err := archive.Read(ctx, b, f, func(r archive.Record) error {
			s.Add(topic, r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package stack

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/eventarc"
)

// archiveDeadline is how long a file may take to be written before its messages are archived again.
const archiveDeadline = 15 * time.Second

// archives are the subscriptions that keep events, one a topic, as Terraform makes them. Dead letters are kept as documents.
func archives(topics []eventarc.Topic) (subs []eventarc.Subscription) {
	for _, t := range topics {
		if t.ID != event.DeadLetterTopic {
			name := t.ID[strings.LastIndexByte(t.ID, '.')+1:]
			subs = append(subs, eventarc.Subscription{ID: "archive." + name, Topic: t.ID, AckDeadline: archiveDeadline})
		}
	}
	return subs
}

// startArchive keeps every published event in the bucket of the archive.
func (s *Stack) startArchive(ctx, run context.Context, client *pubsub.Client, subs []eventarc.Subscription) error {
	b, err := bucket.Open(ctx, unit.BucketName(Project, archive.Bucket))
	if err != nil {
		return err
	}
	s.onStop(func() { b.Close() })
	s.archiver = &eventarc.Archiver{Client: client, Bucket: b, Subscriptions: subs, OnError: func(err error) {
		telemetry.Log(run, slog.LevelWarn, "events wait for the archive", slog.String("error", err.Error()))
	}}
	s.servers.Go(func() error {
		s.archiver.Run(run)
		return nil
	})
	return nil
}

// Archive writes what was published until now to the archive. By itself that happens every second.
func (s *Stack) Archive(ctx context.Context) error { return s.archiver.Flush(ctx) }

// endArchive archives what was published before the stack ends. What cannot be is kept by Pub/Sub, if anything is kept.
func (s *Stack) endArchive() {
	const patience = 5 * time.Second
	if s.archiver == nil || s.temp {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.archiver.Flush(ctx); err != nil {
		telemetry.Log(ctx, slog.LevelWarn, "events wait for the archive until the next start", slog.String("error", err.Error()))
	}
}

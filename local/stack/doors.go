package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"orderflow.dev"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/telemetry"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/eventarc"
	"orderflow.dev/local/gateway"
	"orderflow.dev/local/scheduler"
)

// startDoors opens what brings work in: deliveries, the sweeps' clock, and last the gateway.
func (s *Stack) startDoors(ctx, run context.Context) error {
	if err := s.startDeliveries(ctx, run); err != nil {
		return err
	}
	if err := s.startScheduler(run); err != nil {
		return err
	}
	port := s.options.Port
	if port == 0 {
		port = s.kept.GatewayPort
	}
	var err error
	s.Gateway, err = s.serve(run, port, func(string) (http.Handler, error) { return gateway.New(s.routes()) })
	if err != nil {
		return err
	}
	for _, u := range s.units {
		if w := u.Trigger.Webhook; w != nil {
			s.setWebhook(s.Gateway + w.Path)
		}
	}
	if err := s.attachChaos(); err != nil || !s.options.Keep {
		return err
	}
	s.kept.GatewayPort, s.kept.IssuerPort = portOf(s.Gateway), portOf(s.Endpoints.Issuer)
	return s.kept.write(s.options.Dir)
}

func (s *Stack) routes() []gateway.Route {
	var routes []gateway.Route
	for _, u := range s.units {
		if r := u.Route(); r != nil {
			routes = append(routes, gateway.Route{Method: r.Method, Path: r.Path, Target: s.urls[u.Name]})
		}
	}
	return routes
}

// Deliveries are tried again sooner here than in production, and given up sooner.
const (
	minBackoff  = time.Second
	maxBackoff  = 10 * time.Second
	maxAttempts = 10
)

// subscriptions are those that Terraform makes: one per function and event type, and the dead letters'.
func (s *Stack) subscriptions() (topics []eventarc.Topic, subs []eventarc.Subscription) {
	seen := map[string]bool{event.DeadLetterTopic: true}
	for _, u := range s.units {
		sub := eventarc.Subscription{
			Endpoint: s.urls[u.Name], AckDeadline: time.Duration(u.Timeout), Concurrency: atOnce(u),
			MinBackoff: minBackoff, MaxBackoff: maxBackoff, MaxAttempts: maxAttempts, DeadLetterTopic: event.DeadLetterTopic,
		}
		for _, e := range u.Trigger.Events {
			one := sub
			one.ID, one.Topic, one.Filter = u.Name+"."+e.Type, e.Topic(), e.Filter
			subs = append(subs, one)
			seen[e.Topic()] = true
		}
		for _, p := range u.Publishes {
			seen[unit.Event{Type: p}.Topic()] = true
		}
		if u.Trigger.DeadLetters {
			sub.ID, sub.Topic, sub.DeadLetterTopic, sub.MaxAttempts = u.Name, event.DeadLetterTopic, "", 0
			subs = append(subs, sub)
		}
	}
	for t := range seen {
		topics = append(topics, eventarc.Topic{ID: t, Schema: orderflow.Schema(t)})
	}
	return topics, subs
}

// atOnce is how many deliveries a function takes at a time: as many as all its instances would, which one process stands
// for here.
func atOnce(u unit.Unit) int { return min(mostAtOnce, u.Concurrency*u.MaxInstances) }

// mostAtOnce is what one machine does not choke on.
const mostAtOnce = 64

func (s *Stack) startDeliveries(ctx, run context.Context) error {
	client, err := pubsub.NewClient(ctx, Project, s.pubsubOptions()...)
	if err != nil {
		return err
	}
	s.onStop(func() { client.Close() })
	topics, subs := s.subscriptions()
	if err := eventarc.Setup(ctx, client, Project, topics, append(slices.Clone(subs), archives(topics)...)); err != nil {
		return err
	}
	if err := s.startArchive(ctx, run, client, archives(topics)); err != nil {
		return err
	}
	s.publishes = client
	s.servers.Go(func() error {
		return eventarc.Run(run, client, subs, s.deliveryOptions())
	})
	s.servers.Go(func() error {
		return eventarc.RunTriggers(run, s.triggers(), s.deliveryOptions())
	})
	return nil
}

// triggers are Eventarc's own: those of objects in the bucket of uploads.
func (s *Stack) triggers() (triggers []eventarc.Trigger) {
	for _, u := range s.units {
		if u.Trigger.Uploads {
			triggers = append(triggers, eventarc.Trigger{
				Name: u.Name, Endpoint: s.urls[u.Name], Source: s.objects.Events(u.Name), Timeout: time.Duration(u.Timeout),
				MinBackoff: minBackoff, MaxBackoff: maxBackoff, Concurrency: atOnce(u),
			})
		}
	}
	return triggers
}

// logDelivery tells of deliveries that came to nothing; the others are told by the function.
func logDelivery(d eventarc.Delivery) {
	if d.Err == nil {
		return
	}
	telemetry.Log(context.Background(), slog.LevelWarn, "delivery failed",
		slog.String("subscription", d.Subscription), slog.String("event_id", d.EventID), slog.String("event_type", d.Type),
		slog.Int("attempt", d.Attempt), slog.Int("status", d.Status), slog.String("error", d.Err.Error()))
}

// everyMinute is when the sweeps run, which SweepEvery says differently.
const everyMinute = "* * * * *"

func (s *Stack) startScheduler(run context.Context) error {
	var sweeps, others []scheduler.Job
	for _, u := range s.units {
		job := scheduler.Job{Name: u.Name, Cron: u.Trigger.Schedule, URL: s.urls[u.Name], Timeout: time.Duration(u.Timeout)}
		switch job.Cron {
		case "":
		case everyMinute:
			sweeps = append(sweeps, job)
		default:
			others = append(others, job)
		}
	}
	schedule := func(jobs []scheduler.Job, every time.Duration) {
		s.servers.Go(func() error {
			if err := scheduler.Run(run, jobs, scheduler.Options{Every: every}); err != nil && run.Err() == nil {
				return fmt.Errorf("scheduler: %w", err)
			}
			return nil
		})
	}
	schedule(sweeps, s.options.SweepEvery)
	schedule(others, 0)
	return nil
}

package function

import (
	"context"
	"log/slog"
	"net/http"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/platform/problem"
	"orderflow.dev/internal/platform/telemetry"
)

// EventHandler consumes one event. nil acknowledges it; a permanent error (fault.Permanent) parks it; any other has it
// delivered again. It must expect any event twice, late and out of order.
type EventHandler func(context.Context, *event.Event) error

// Event makes a function that Pub/Sub pushes events to. What does not decode, or fails for good, is parked with its
// reason and acknowledged at once: nothing loops.
func Event[C any](name string, wire func(context.Context, C) (EventHandler, error)) {
	register(name, func(ctx context.Context, cfg eventConfig[C]) (http.Handler, error) {
		handle, err := wire(ctx, cfg.Function)
		if err != nil {
			return nil, err
		}
		parking, err := event.NewPublisher(ctx, cfg.Base.Project)
		return ServeEvent(name, handle, parking), err
	})
}

// Parking takes deliveries that can never be handled, with who gave up on them and why. event.Publisher is one.
type Parking interface {
	Park(ctx context.Context, m event.Message, function, reason string) error
}

// ServeEvent serves a function that Pub/Sub pushes events to.
func ServeEvent(name string, handle EventHandler, parking Parking) http.Handler {
	return ServeMessage(name, func(ctx context.Context, m event.Message) error {
		err := consume(ctx, name, m, handle)
		if err == nil || !fault.Permanent(err) {
			return err
		}
		if perr := parking.Park(ctx, m, name, err.Error()); perr != nil {
			return perr
		}
		telemetry.Annotate(ctx, "parked", true)
		telemetry.Log(ctx, slog.LevelError, name+" parked an event", slog.String("order_id", m.Attributes["ce-subject"]),
			slog.String("event_id", m.Attributes["ce-id"]), slog.String("error", err.Error()))
		return nil
	})
}

type eventConfig[C any] struct {
	Base     Base
	Function C
}

// consume leaves alone what is replayed for another function: to others the event is old.
func consume(ctx context.Context, name string, m event.Message, handle EventHandler) error {
	e, err := event.Decode(m)
	if err != nil {
		return fault.Invalid([]fault.Field{{Name: "message", Message: err.Error()}})
	}
	if e.ReplayFor != "" && e.ReplayFor != name {
		telemetry.Annotate(ctx, "left_to", e.ReplayFor)
		return nil
	}
	return handle(ctx, e)
}

// MessageHandler consumes one Pub/Sub message, whatever it is. An error has it delivered again.
type MessageHandler func(context.Context, event.Message) error

// Message makes a function that Pub/Sub pushes raw messages to.
func Message[C any](name string, wire func(context.Context, C) (MessageHandler, error)) {
	register(name, func(ctx context.Context, cfg C) (http.Handler, error) {
		handle, err := wire(ctx, cfg)
		return ServeMessage(name, handle), err
	})
}

// ServeMessage serves a function that Pub/Sub pushes raw messages to.
func ServeMessage(name string, handle MessageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m, broken := event.Read(r)
		a := m.Attributes
		err := run(name, r, telemetry.Continue(a["ce-traceparent"], a["ce-requestid"]), func(ctx context.Context) error {
			if broken != nil {
				return fault.Wrap(broken, codes.Canceled, "", "the delivery could not be read")
			}
			telemetry.Annotate(ctx, "order_id", a["ce-subject"])
			telemetry.Annotate(ctx, "event_id", a["ce-id"])
			telemetry.Annotate(ctx, "event_type", a["ce-type"])
			telemetry.Annotate(ctx, "seq", a["ce-seq"])
			telemetry.Annotate(ctx, "attempt", m.Attempt)
			if replay := a["ce-replay"]; replay != "" {
				telemetry.Annotate(ctx, "replay", replay)
			}
			return handle(ctx, m)
		})
		if err != nil {
			http.Error(w, problem.CodeName(fault.Code(err)), http.StatusInternalServerError) // not 2xx: delivered again
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

func annotate(ctx context.Context, s Summary) {
	for k, v := range s {
		telemetry.Annotate(ctx, k, v)
	}
}

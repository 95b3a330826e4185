package function_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/internal/journal"
	"orderflow.dev/internal/platform/event"
	"orderflow.dev/local/cloudtest"
)

// happening is an event whose handling ends as asked.
func happening(how string) event.Event {
	e := event.FromJournal("orders", journal.Entry{
		Event:       &eventv1.OrderConfirmed{OrderId: cloudtest.NewID(), Seq: 2, EventTime: timestamppb.Now()},
		Traceparent: traceparent, RequestID: cloudtest.NewID(),
	})
	e.Source = how
	return e
}

func TestEventIsAcknowledgedDeliveredAgainOrParked(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	for how, c := range map[string]struct {
		status int
		parked string // the reason
	}{
		"ok":      {204, ""},
		"refused": {204, "order o1 is confirmed"},
		"trouble": {500, ""},
		"bug":     {500, ""},
		"panic":   {500, ""},
	} {
		e := happening(how)
		a := cloudtest.Deliver(t, cloudtest.Function(t, "test-event"), e)
		if a.Status != c.status || strings.Contains(a.Body, "secret") {
			t.Errorf("%s: answer %d %q, want %d", how, a.Status, a.Body, c.status)
		}
		parked := tap.About(e.Subject)
		if (len(parked) == 1) != (c.parked != "") || len(parked) > 1 {
			t.Errorf("%s: parked %v", how, parked)
			continue
		}
		if c.parked != "" {
			got := parked[0].Attributes
			if got["parked-by"] != "test-event" || got["parked-reason"] != c.parked || got["ce-id"] != e.ID || !proto.Equal(decode(t, parked[0].Data), e.Data) {
				t.Errorf("%s: parked %v", how, got)
			}
		}
	}
}

// TestWhatIsReplayedForAnotherIsLeftAlone: the handler of "refused" would park it.
func TestWhatIsReplayedForAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	for function, handled := range map[string]bool{"another": false, "test-event": true, "": true} {
		e := happening("refused")
		e.Replay, e.ReplayFor = "r1", function
		if a := cloudtest.Deliver(t, cloudtest.Function(t, "test-event"), e); a.Status != 204 {
			t.Errorf("for %q: answer %d %q", function, a.Status, a.Body)
		}
		if parked := tap.About(e.Subject); (len(parked) == 1) != handled {
			t.Errorf("for %q: parked %v, want it handled: %v", function, parked, handled)
		}
		lines := logged.Lines(t, "event_id", e.ID)
		line := lines[len(lines)-1]
		if left, _ := line["left_to"].(string); line["replay"] != "r1" || (left != "") == handled {
			t.Errorf("for %q: line %v", function, line)
		}
	}
}

func decode(t *testing.T, data []byte) proto.Message {
	t.Helper()
	var m eventv1.OrderConfirmed
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

func TestEventsLineTellsTheEvent(t *testing.T) {
	t.Parallel()
	e := happening("ok")
	cloudtest.Deliver(t, cloudtest.Function(t, "test-event"), e)
	line := wantLine(t, e.RequestID, "INFO", "ok")
	for k, want := range map[string]any{
		"function": "test-event", "order_id": e.Subject, "event_id": e.ID, "event_type": e.Type, "seq": "2",
		"logging.googleapis.com/trace": "projects/" + cloudtest.Project() + "/traces/" + traceparent[3:35],
	} {
		if line[k] != want {
			t.Errorf("%s is %v, want %v", k, line[k], want)
		}
	}
}

func TestParkingIsAnErrorLine(t *testing.T) {
	t.Parallel()
	e := happening("refused")
	cloudtest.Deliver(t, cloudtest.Function(t, "test-event"), e)
	var loud int
	for _, l := range logged.Lines(t, "event_id", e.ID) {
		if l["severity"] == "ERROR" && l["message"] == "test-event parked an event" {
			loud++
		}
	}
	if loud != 1 {
		t.Errorf("%d ERROR lines tell of the parking, want 1", loud)
	}
}

func TestMalformedDeliveriesAreParked(t *testing.T) {
	t.Parallel()
	tap := cloudtest.NewTap(t, event.DeadLetterTopic)
	good := happening("ok")
	data, err := proto.Marshal(good.Data)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		attributes map[string]string
		data       []byte
		reason     string
	}{
		"no event":     {map[string]string{"Content-Type": "text/plain"}, []byte("hello"), "no CloudEvent"},
		"nothing":      {nil, nil, "no CloudEvent"},
		"unknown type": {with(good, "ce-type", "orderflow.event.v1.OrderLost"), data, "unknown event type"},
		"broken data":  {with(good, "ce-type", good.Type), []byte("\xff"), "its data is no"},
		"too large":    {with(good, "ce-type", good.Type), make([]byte, event.MaxData+1), "larger than"},
		"huge":         {with(good, "ce-type", good.Type), make([]byte, 5<<20), "larger than"},
	} {
		before := len(tap.All())
		a := cloudtest.Push(t, cloudtest.Function(t, "test-event"), "m1", c.attributes, c.data)
		if a.Status != 204 {
			t.Errorf("%s: answer %d %q, want 204: it would be delivered again for ever", name, a.Status, a.Body)
		}
		var found bool
		for _, m := range tap.All()[before:] {
			found = found || strings.Contains(m.Attributes["parked-reason"], c.reason)
		}
		if !found {
			t.Errorf("%s: no dead letter says %q", name, c.reason)
		}
	}
}

func with(e event.Event, k, v string) map[string]string {
	a := e.Attributes()
	a[k] = v
	return a
}

// TestWhatCannotBeParkedIsDeliveredAgain wires its function in a project without topics and is not parallel.
func TestWhatCannotBeParkedIsDeliveredAgain(t *testing.T) {
	t.Setenv("GOOGLE_CLOUD_PROJECT", cloudtest.Project()+"-without-topics")
	a := cloudtest.Deliver(t, cloudtest.Function(t, "test-event-without-dead-letters"), happening("refused"))
	if a.Status != 500 {
		t.Errorf("answer %d, want 500: nothing is lost", a.Status)
	}
}

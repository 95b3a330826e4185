package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"google.golang.org/protobuf/proto"
)

// Limits, in bytes. MaxData is the largest message that is decoded, and how much of a larger one is parked: a dead
// letter is one Firestore document of 1 MiB with its attributes. maxBody has room for the base64 of a wrapped push.
const (
	MaxData = 900 << 10
	maxBody = 2 << 20
)

// Message is a delivery as it came: what a dead letter keeps.
type Message struct {
	Attributes map[string]string
	Data       []byte
	Clipped    bool // Data is the first MaxData bytes of more
	Attempt    int  // delivery attempt, from 1; 0 if not known
}

// Read takes a Pub/Sub push apart. Both forms decode: unwrapped, the attributes as headers (what our subscriptions
// send), and wrapped, the JSON envelope. What is too large is clipped, so that it can be parked. An error says that the
// body broke off: the next delivery may be whole.
func Read(r *http.Request) (Message, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return Message{}, fmt.Errorf("read delivery: %w", err)
	}
	m := read(r, body)
	if len(m.Data) > MaxData {
		m.Data, m.Clipped = m.Data[:MaxData], true
	}
	return m, nil
}

func read(r *http.Request, body []byte) Message {
	if r.Header.Get("ce-id") == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if m, ok := unwrap(body); ok {
			return m
		}
	}
	return unwrapped(r, body)
}

// attributePrefixes tell a message's attributes from the other headers: CloudEvents, Pub/Sub's own, those it adds to a
// dead letter, and Park's.
var attributePrefixes = []string{"ce-", "x-goog-pubsub-", "cloudpubsubdeadletter", "parked-"}

// keep takes an attribute if it is one of those, its name in lower case, as headers have it, and its value as UTF-8,
// as Pub/Sub has it and headers need not.
func (m *Message) keep(name, value string) {
	name = strings.ToLower(name)
	if slices.ContainsFunc(attributePrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
		m.Attributes[name] = strings.ToValidUTF8(value, "\ufffd")
	}
}

func unwrapped(r *http.Request, body []byte) Message {
	m := Message{Attributes: map[string]string{}, Data: body}
	for name, values := range r.Header {
		m.keep(name, values[0])
	}
	if ct := r.Header.Get("Content-Type"); ct != "" {
		m.Attributes["Content-Type"] = strings.ToValidUTF8(ct, "\ufffd")
	}
	m.Attempt, _ = strconv.Atoi(m.Attributes["x-goog-pubsub-delivery-attempt"])
	return m
}

// unwrap reads https://cloud.google.com/pubsub/docs/push#receive_push.
func unwrap(body []byte) (Message, bool) {
	var push struct {
		Message *struct {
			Attributes map[string]string `json:"attributes"`
			Data       []byte            `json:"data"`
			MessageID  string            `json:"messageId"`
		} `json:"message"`
		DeliveryAttempt int `json:"deliveryAttempt"`
	}
	if err := json.Unmarshal(body, &push); err != nil || push.Message == nil {
		return Message{}, false
	}
	m := Message{Attributes: map[string]string{}, Data: push.Message.Data, Attempt: push.DeliveryAttempt}
	for k, v := range push.Message.Attributes {
		m.keep(k, v)
	}
	if ct := push.Message.Attributes["Content-Type"]; ct != "" {
		m.Attributes["Content-Type"] = ct
	}
	m.Attributes["x-goog-pubsub-message-id"] = push.Message.MessageID
	return m, true
}

// Decode reads the event a delivery carries. An error is permanent: the same delivery never decodes.
func Decode(m Message) (*Event, error) {
	if m.Clipped {
		return nil, fmt.Errorf("the message is larger than %d bytes", MaxData)
	}
	ce, err := cloudEvent(m)
	if err != nil {
		return nil, err
	}
	data, err := newData(ce.Type)
	if err != nil {
		return nil, err
	}
	if err := proto.Unmarshal(m.Data, data); err != nil {
		return nil, fmt.Errorf("event %s: its data is no %s: %w", ce.ID, ce.Type, err)
	}
	ce.Data = data
	ce.Attempt = m.Attempt
	return ce, nil
}

// cloudEvent reads the attributes by the CloudEvents SDK's own HTTP binding. Its receive handler is not used: it hangs
// requests for ever under concurrency (cloudevents/sdk-go #1224, #1332).
func cloudEvent(m Message) (*Event, error) {
	r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(m.Data))
	if err != nil {
		return nil, err
	}
	for k, v := range m.Attributes {
		if strings.HasPrefix(k, "ce-") || k == "Content-Type" {
			r.Header.Set(k, v)
		}
	}
	ce, err := cehttp.NewEventFromHTTPRequest(r)
	if err != nil {
		return nil, fmt.Errorf("no CloudEvent: %w", err)
	}
	if err := ce.Validate(); err != nil {
		return nil, fmt.Errorf("no valid CloudEvent: %w", err)
	}
	text := func(extension string) string {
		s, _ := ce.Extensions()[extension].(string)
		return s
	}
	seq, err := strconv.ParseInt(text("seq"), 10, 64)
	if err != nil || seq < 1 {
		return nil, errors.New("no event of ours: attribute ce-seq is missing or no number")
	}
	return &Event{
		ID: ce.ID(), Type: ce.Type(), Source: ce.Source(), Subject: ce.Subject(), Seq: seq, Time: ce.Time(),
		Resume: text("resume") == "true", Traceparent: text("traceparent"), RequestID: text("requestid"),
		Replay: text("replay"), ReplayFor: text("replayfor"),
	}, nil
}

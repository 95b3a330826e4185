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

// MaxBody is the largest delivery taken: Eventarc's limit of 512 KiB, with room for the base64 of a wrapped push.
const MaxBody = 1 << 20

// Message is a delivery as it came: what a dead letter keeps.
type Message struct {
	Attributes map[string]string
	Data       []byte
	Attempt    int // delivery attempt, from 1; 0 if not known
}

// Read takes a Pub/Sub push apart. Both forms decode: unwrapped, the attributes as headers (what our subscriptions
// send), and wrapped, the JSON envelope. The error says why it is neither.
func Read(r *http.Request) (Message, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return Message{}, fmt.Errorf("read delivery: %w", err)
	}
	if len(body) > MaxBody {
		return Message{}, fmt.Errorf("delivery is larger than %d bytes", MaxBody)
	}
	if r.Header.Get("ce-id") == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if m, ok := unwrap(body); ok {
			return m, nil
		}
	}
	return unwrapped(r, body), nil
}

// attributePrefixes tell a message's attributes from the other headers: CloudEvents, Pub/Sub's own, those it adds to a
// dead letter, and Park's.
var attributePrefixes = []string{"ce-", "x-goog-pubsub-", "cloudpubsubdeadletter", "parked-"}

func unwrapped(r *http.Request, body []byte) Message {
	m := Message{Attributes: map[string]string{}, Data: body}
	for name, values := range r.Header {
		lower := strings.ToLower(name)
		if slices.ContainsFunc(attributePrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) {
			m.Attributes[lower] = values[0]
		}
	}
	if ct := r.Header.Get("Content-Type"); ct != "" {
		m.Attributes["Content-Type"] = ct
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
		if k != "Content-Type" {
			k = strings.ToLower(k) // as headers arrive
		}
		m.Attributes[k] = v
	}
	m.Attributes["x-goog-pubsub-message-id"] = push.Message.MessageID
	return m, true
}

// Decode reads the event a delivery carries. An error is permanent: the same delivery never decodes.
func Decode(m Message) (*Event, error) {
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
	}, nil
}

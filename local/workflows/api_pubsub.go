package workflows

import (
	"encoding/json"
	"net/http"
	"strings"

	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pubsubTrigger is the body of triggerPubsubExecution: a push of Pub/Sub, and the
// topic it comes from.
type pubsubTrigger struct {
	Subscription string         `json:"subscription"`
	Message      map[string]any `json:"message"`
	Mode         string         `json:"GCPCloudEventsMode"`
}

// modePrefix comes before the topic in the mode that Eventarc gives its push
// subscriptions.
const modePrefix = "CUSTOM_PUBSUB_"

// triggerPubsub starts an execution whose argument is the CloudEvent of a message
// (https://cloud.google.com/eventarc/docs/cloudevents-json).
func (a *api) triggerPubsub(r *http.Request) (any, error) {
	body, err := readAll(r)
	if err != nil {
		return nil, err
	}
	var t pubsubTrigger
	if err := json.Unmarshal(body, &t); err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	if t.Subscription == "" || t.Message == nil || t.Mode == "" {
		return nil, status.Error(codes.InvalidArgument, "subscription, message and GCPCloudEventsMode are required")
	}
	event := map[string]any{
		"specversion": "1.0", "type": "google.cloud.pubsub.topic.v1.messagePublished", "datacontenttype": "application/json",
		"source": "//pubsub.googleapis.com/" + strings.TrimPrefix(t.Mode, modePrefix),
		"data":   map[string]any{"subscription": t.Subscription, "message": t.Message},
	}
	for of, name := range map[string]string{"messageId": "id", "publishTime": "time"} {
		if v, ok := t.Message[of]; ok {
			event[name] = v
		}
	}
	argument, err := json.Marshal(event)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "message: %v", err)
	}
	return a.create(r.Context(), target(r), &executionspb.Execution{Argument: string(argument)}, Settings{})
}

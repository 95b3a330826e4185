package iam

import (
	"slices"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/workflows/executions/apiv1/executionspb"
	"google.golang.org/protobuf/encoding/protowire"

	"orderflow.dev/internal/platform/event"
	"orderflow.dev/internal/unit"
)

// need is what a call takes, and how Google refuses who does not have it. Without a name, no unit can have it.
type need struct {
	action  string
	grant   Grant
	refusal string
}

// Google's gRPC services that units use.
var (
	firestoreService = firestorepb.Firestore_ServiceDesc.ServiceName
	publisherService = pubsubpb.Publisher_ServiceDesc.ServiceName
	workflowsService = executionspb.Executions_ServiceDesc.ServiceName
)

// reads are the methods of Firestore that a reader may call. To begin and roll back a transaction takes
// datastore.databases.get, which a reader has; what it writes is in its commit
// (https://cloud.google.com/firestore/docs/security/iam). What is not listed takes a writer.
var reads = []string{
	"GetDocument", "ListDocuments", "BatchGetDocuments", "RunQuery", "RunAggregationQuery", "PartitionQuery", "Listen",
	"ListCollectionIds", "BeginTransaction", "Rollback",
}

// needOf is what a call of one of Google's methods takes, by its first message.
func needOf(method string, first []byte) need {
	action := strings.TrimPrefix(method, "/")
	service, name, _ := strings.Cut(action, "/")
	resource := ResourceOf(first)
	switch {
	case service == firestoreService:
		access := unit.Access("write")
		if slices.Contains(reads, name) {
			access = "read"
		}
		return need{action, Grant{"databases", segment(resource, "databases"), access}, "Missing or insufficient permissions."}
	case service == publisherService && name == "Publish":
		return need{action, publishing(segment(resource, "topics")), "User not authorized to perform this action."}
	case service == workflowsService && name == "CreateExecution":
		return need{action, Grant{Key: "starts", Name: segment(resource, "workflows")},
			"Permission 'workflows.executions.create' denied on '" + resource + "' (or it may not exist)."}
	}
	return need{action: action, refusal: "The caller does not have permission."}
}

func publishing(topic string) Grant {
	if topic == event.DeadLetterTopic {
		return Parks
	}
	eventType, ok := strings.CutPrefix(topic, unit.Event{}.Topic())
	if !ok {
		return Grant{}
	}
	return Grant{Key: "publishes", Name: eventType}
}

// ResourceOf is a message's first field: a name such as projects/p/databases/orders/documents.
func ResourceOf(message []byte) string {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ""
		}
		message = message[n:]
		if number == 1 && kind == protowire.BytesType {
			text, _ := protowire.ConsumeString(message)
			return text
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return ""
		}
		message = message[n:]
	}
	return ""
}

// segment is the part of a resource's name behind a collection's: "orders" behind "databases".
func segment(resource, collection string) string {
	parts := strings.Split(resource, "/")
	if i := slices.Index(parts, collection); i == 2 && len(parts) > 3 || i == 4 && len(parts) > 5 {
		return parts[i+1]
	}
	return ""
}

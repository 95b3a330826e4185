package workflows_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/firestore"
	"orderflow.dev/local/pubsub"
	"orderflow.dev/local/workflows"
)

// stores serves Pub/Sub and Firestore, which speak gRPC only.
func stores(t *testing.T) map[string]string {
	t.Helper()
	serve := func(serve func(context.Context, net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- serve(ctx, l) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		return "grpc://" + l.Addr().String()
	}
	return map[string]string{
		"pubsub":    serve(pubsub.New(pubsub.Options{}).Serve),
		"firestore": serve(firestore.New(firestore.Options{}).Serve),
	}
}

func TestPubSubIsCalledOverGRPC(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{Endpoints: stores(t)}, `
- topic: {call: googleapis.pubsub.v1.projects.topics.create, args: {name: projects/p/topics/orders, body: {labels: {a: b}}}, result: topic}
- subscription:
    call: googleapis.pubsub.v1.projects.subscriptions.create
    args: {name: projects/p/subscriptions/all, body: {topic: projects/p/topics/orders, ackDeadlineSeconds: 30}}
    result: subscription
- publish:
    call: googleapis.pubsub.v1.projects.topics.publish
    args:
      topic: projects/p/topics/orders
      body: {messages: [{data: '${base64.encode(text.encode("hällo"))}', attributes: {k: v}}]}
    result: published
- pull: {call: googleapis.pubsub.v1.projects.subscriptions.pull, args: {subscription: projects/p/subscriptions/all, body: {maxMessages: 10}}, result: pulled}
- message: {assign: [{m: "${pulled.receivedMessages[0]}"}]}
- ack: {call: googleapis.pubsub.v1.projects.subscriptions.acknowledge, args: {subscription: projects/p/subscriptions/all, body: {ackIds: ["${m.ackId}"]}}, result: acked}
- list: {call: googleapis.pubsub.v1.projects.topics.list, args: {project: projects/p, pageSize: 5}, result: topics}
- done:
    return:
    - ${topic}
    - ${subscription.ackDeadlineSeconds}
    - ${published.messageIds[0] == m.message.messageId}
    - ${text.decode(base64.decode(m.message.data))}
    - ${m.message.attributes}
    - ${acked}
    - ${topics.topics[0].name}
`, "")
	want := `[{"labels":{"a":"b"},"name":"projects/p/topics/orders","state":"ACTIVE"},30,true,"hällo",{"k":"v"},{},"projects/p/topics/orders"]`
	if diff := cmp.Diff(want, outcome(x)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestFirestoreIsCalledOverGRPC(t *testing.T) {
	t.Parallel()
	x := run(t, workflows.Options{Endpoints: stores(t)}, `
- init:
    assign:
    - root: projects/p/databases/(default)/documents
- create:
    call: googleapis.firestore.v1.projects.databases.documents.createDocument
    args: {parent: "${root}", collectionId: orders, documentId: o1, body: {fields: {n: {integerValue: 3}, s: {stringValue: "a b"}}}}
    result: created
- below:
    call: googleapis.firestore.v1.projects.databases.documents.createDocument
    args: {parent: '${root + "/orders/o1"}', collectionId: lines, documentId: l1, body: {fields: {}}}
- patch:
    call: googleapis.firestore.v1.projects.databases.documents.patch
    args: {name: '${root + "/orders/o1"}', updateMask.fieldPaths: [n], currentDocument.exists: true, body: {fields: {n: {integerValue: "4"}}}}
- get: {call: googleapis.firestore.v1.projects.databases.documents.get, args: {name: '${root + "/orders/o1"}', mask.fieldPaths: [n, s]}, result: got}
- list: {call: googleapis.firestore.v1.projects.databases.documents.list, args: {parent: "${root}", collectionId: orders}, result: listed}
- listBelow: {call: googleapis.firestore.v1.projects.databases.documents.list, args: {parent: '${root + "/orders/o1"}', collectionId: lines}, result: lines}
- ids: {call: googleapis.firestore.v1.projects.databases.documents.listCollectionIds, args: {parent: '${root + "/orders/o1"}', body: {}}, result: ids}
- query:
    call: googleapis.firestore.v1.projects.databases.documents.runQuery
    args:
      parent: ${root}
      body: {structuredQuery: {from: [{collectionId: orders}], where: {fieldFilter: {field: {fieldPath: n}, op: EQUAL, value: {integerValue: 4}}}}}
    result: rows
- batch: {call: googleapis.firestore.v1.projects.databases.documents.batchGet, args: {database: "projects/p/databases/(default)", body: {documents: ['${root + "/orders/none"}']}}, result: batch}
- commit:
    call: googleapis.firestore.v1.projects.databases.documents.commit
    args: {database: "projects/p/databases/(default)", body: {writes: [{delete: '${root + "/orders/o1"}'}]}}
    result: committed
- gone:
    call: googleapis.firestore.v1.projects.databases.documents.batchGet
    args: {database: "projects/p/databases/(default)", body: {documents: ['${root + "/orders/o1"}']}}
    result: gone
- done:
    return:
    - ${created.name}
    - ${got.fields}
    - ${len(listed.documents)}
    - ${lines.documents[0].name}
    - ${ids.collectionIds}
    - ${rows[0].document.fields.s.stringValue}
    - ${batch[0].missing}
    - ${len(committed.writeResults)}
    - ${"found" in gone[0]}
`, "")
	const root = "projects/p/databases/(default)/documents/orders"
	want := `["` + root + `/o1",{"n":{"integerValue":"4"},"s":{"stringValue":"a b"}},1,"` + root + `/o1/lines/l1",["lines"],"a b","` + root + `/none",1,false]`
	if diff := cmp.Diff(want, outcome(x)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestWhatAGRPCServiceRefusesIsAnHTTPError(t *testing.T) {
	t.Parallel()
	endpoints := stores(t)
	for name, tc := range map[string]struct {
		connector, args string
		code            float64
		status          string
	}{
		"not found":       {"pubsub.v1.projects.topics.get", `{topic: projects/p/topics/none}`, 404, "NOT_FOUND"},
		"a bad name":      {"pubsub.v1.projects.topics.create", `{name: projects/p/topics/abc, body: {labels: {"": "", A: B}}}`, 400, "INVALID_ARGUMENT"},
		"unknown field":   {"pubsub.v1.projects.topics.create", `{name: projects/p/topics/abc, body: {lables: {}}}`, 400, "INVALID_ARGUMENT"},
		"a list for body": {"pubsub.v1.projects.topics.publish", `{topic: projects/p/topics/abc, body: []}`, 400, "INVALID_ARGUMENT"},
		"not a number":    {"pubsub.v1.projects.topics.list", `{project: projects/p, pageSize: many}`, 400, "INVALID_ARGUMENT"},
		"no such method":  {"pubsub.v1.projects.topics.getIamPolicy", `{resource: projects/p/topics/abc}`, 501, "UNIMPLEMENTED"},
		"no such path":    {"pubsub.v1.projects.topics.get", `{topic: here}`, 501, "UNIMPLEMENTED"},
		"a stream":        {"firestore.v1.projects.databases.documents.runQuery", `{parent: "projects/p/databases/(default)/documents", body: {structuredQuery: {from: [{collectionId: ""}], limit: -1}}}`, 400, "INVALID_ARGUMENT"},
		"no topic":        {"pubsub.v1.projects.subscriptions.create", `{name: projects/p/subscriptions/all, body: {topic: projects/p/topics/none}}`, 404, "NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			x := run(t, workflows.Options{Endpoints: endpoints}, calling("googleapis."+tc.connector, tc.args), "")
			tags, _, value := raised(t, x)
			body, _ := value["body"].(map[string]any)
			problem, _ := body["error"].(map[string]any)
			if !cmp.Equal([]any{"HttpError"}, tags) || value["code"] != tc.code || problem["status"] != tc.status || problem["code"] != tc.code {
				t.Errorf("raised %v, want %v %s", value, tc.code, tc.status)
			}
			if message, _ := problem["message"].(string); strings.TrimSpace(message) == "" {
				t.Errorf("no message: %v", problem)
			}
		})
	}
}

func TestEmulatorVariablesMeanGRPC(t *testing.T) {
	endpoints := stores(t)
	t.Setenv("PUBSUB_EMULATOR_HOST", strings.TrimPrefix(endpoints["pubsub"], "grpc://"))
	t.Setenv("FIRESTORE_EMULATOR_HOST", strings.TrimPrefix(endpoints["firestore"], "grpc://"))
	for connector, args := range map[string]string{
		"pubsub.v1.projects.topics.list":                 `{project: projects/p}`,
		"firestore.v1.projects.databases.documents.list": `{parent: "projects/p/databases/(default)/documents", collectionId: c}`,
	} {
		if x := run(t, workflows.Options{}, calling("googleapis."+connector, args), ""); outcome(x) != "{}" {
			t.Errorf("%s = %s, want {}", connector, outcome(x))
		}
	}
}

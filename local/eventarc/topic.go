package eventarc

import (
	"context"
	"fmt"

	"cloud.google.com/go/pubsub/v2"
	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Topic is a topic and what may be published to it.
type Topic struct {
	ID string // short, without the project
	// Schema is a definition in the protobuf language: every message must be one of it, in binary. Empty: anything goes.
	Schema string
}

// SetupTopics creates topics, each with a schema of its own name as Terraform does. What exists is kept; a schema that
// changed gets another revision. Google's emulator has no protobuf schemas: there topics take anything.
func SetupTopics(ctx context.Context, client *pubsub.Client, project string, topics []Topic) error {
	schemas, err := pubsubapi.NewSchemaClient(ctx)
	if err != nil {
		return fmt.Errorf("open Pub/Sub's schemas: %w", err)
	}
	defer schemas.Close()
	return each(ctx, topics, func(ctx context.Context, t Topic) error {
		topic := &pubsubpb.Topic{Name: topicName(project, t.ID)}
		if t.Schema != "" {
			name, err := ensureSchema(ctx, schemas, project, t)
			if err != nil {
				return fmt.Errorf("create schema %s: %w", t.ID, err)
			}
			if name != "" {
				topic.SchemaSettings = &pubsubpb.SchemaSettings{Schema: name, Encoding: pubsubpb.Encoding_BINARY}
			}
		}
		return ensureTopic(ctx, client, topic)
	})
}

// ensureSchema answers the schema's name, or none where the server has no such schemas.
func ensureSchema(ctx context.Context, client *pubsubapi.SchemaClient, project string, t Topic) (string, error) {
	parent := "projects/" + project
	schema := &pubsubpb.Schema{Name: parent + "/schemas/" + t.ID, Type: pubsubpb.Schema_PROTOCOL_BUFFER, Definition: t.Schema}
	_, err := client.CreateSchema(ctx, &pubsubpb.CreateSchemaRequest{Parent: parent, SchemaId: t.ID, Schema: schema})
	switch status.Code(err) {
	case codes.Unimplemented:
		return "", nil
	case codes.AlreadyExists:
		err = revise(ctx, client, schema)
	}
	return schema.GetName(), err
}

func revise(ctx context.Context, client *pubsubapi.SchemaClient, want *pubsubpb.Schema) error {
	have, err := client.GetSchema(ctx, &pubsubpb.GetSchemaRequest{Name: want.GetName(), View: pubsubpb.SchemaView_FULL})
	if err != nil || have.GetDefinition() == want.GetDefinition() {
		return err
	}
	_, err = client.CommitSchema(ctx, &pubsubpb.CommitSchemaRequest{Name: want.GetName(), Schema: want})
	return err
}

// ensureTopic creates a topic. Creation answers ALREADY_EXISTS for one of that name, whatever its schema: all that is
// created here has the schema of its own name.
func ensureTopic(ctx context.Context, client *pubsub.Client, topic *pubsubpb.Topic) error {
	_, err := client.TopicAdminClient.CreateTopic(ctx, topic)
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fmt.Errorf("create %s: %w", topic.GetName(), err)
	}
	return nil
}

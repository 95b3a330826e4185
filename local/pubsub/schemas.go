package pubsub

import (
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/pubsub/schema"
)

// maxRevisions of a schema (https://cloud.google.com/pubsub/docs/schemas#quotas_and_limits_for_schemas).
const maxRevisions = 20

// revision of a schema. It is never changed.
type revision struct {
	*pubsubpb.Schema
	compiled *schema.Schema
}

// revisions are those of one schema, the oldest first. There is one at least.
type revisions struct {
	name string
	all  []revision
}

func (r *revisions) latest() revision { return r.all[len(r.all)-1] }

func (r *revisions) encode() [][]byte {
	all := make([][]byte, len(r.all))
	for i, one := range r.all {
		all[i] = encodeMessage(one.Schema)
	}
	return all
}

func (r *revisions) index(id string) int {
	return slices.IndexFunc(r.all, func(one revision) bool { return one.GetRevisionId() == id })
}

// compileSchema checks what a client sent.
func compileSchema(given *pubsubpb.Schema) (*schema.Schema, error) {
	switch {
	case given.GetType() == pubsubpb.Schema_AVRO:
		return nil, status.Error(codes.Unimplemented,
			"Avro schemas are not implemented by this local Pub/Sub; use PROTOCOL_BUFFER")
	case given.GetType() != pubsubpb.Schema_PROTOCOL_BUFFER:
		return nil, invalid("the type of the schema is missing")
	case given.GetCompiledProtoSchema() != nil:
		return nil, status.Error(codes.Unimplemented,
			"compiled_proto_schema is not implemented by this local Pub/Sub; use definition")
	case given.GetDefinition() == "":
		return nil, invalid("the definition of the schema is missing")
	}
	compiled, err := schema.Compile(given.GetDefinition())
	if err != nil {
		return nil, invalid("schema: %v", err)
	}
	return compiled, nil
}

func (s *Server) newRevision(name, definition string, compiled *schema.Schema) revision {
	return revision{compiled: compiled, Schema: &pubsubpb.Schema{
		Name: name, Type: pubsubpb.Schema_PROTOCOL_BUFFER, Definition: definition,
		RevisionId: uuid.NewString()[:8], RevisionCreateTime: timestamppb.New(s.now()),
	}}
}

// schemaCalled is for callers that have the server's lock. The name may end with @ and a revision's id.
func (s *Server) schemaCalled(full string) (r *revisions, revision string, err error) {
	name, revision, _ := strings.Cut(full, "@")
	if err := checkName("schemas", name); err != nil {
		return nil, "", err
	}
	if r = s.schemas[name]; r == nil || revision != "" && r.index(revision) < 0 {
		return nil, "", notFound("schema", full)
	}
	return r, revision, nil
}

func (s *Server) appendSchema(r *revisions) position { return s.append(schemaSet, r.encode()...) }

func (s *Server) deleteSchema(name string) {
	if s.schemas[name] == nil {
		return
	}
	delete(s.schemas, name)
	for _, t := range s.topics {
		if t.config.GetSchemaSettings().GetSchema() == name {
			config := proto.CloneOf(t.config)
			config.SchemaSettings.Schema = deletedSchema
			t.config = config
		}
	}
}

func (s *Server) replaySchema(fields [][]byte) error {
	r := &revisions{}
	for _, f := range fields {
		one := &pubsubpb.Schema{}
		if err := proto.Unmarshal(f, one); err != nil {
			return err
		}
		compiled, err := schema.Compile(one.GetDefinition())
		if err != nil {
			return err
		}
		r.name = one.GetName()
		r.all = append(r.all, revision{one, compiled})
	}
	s.schemas[r.name] = r
	return nil
}

// checkSchemaSettings is for callers that have the server's lock.
func (s *Server) checkSchemaSettings(settings *pubsubpb.SchemaSettings) error {
	if settings == nil || settings.GetSchema() == deletedSchema {
		return nil
	}
	if e := settings.GetEncoding(); e != pubsubpb.Encoding_BINARY && e != pubsubpb.Encoding_JSON {
		return invalid("schema_settings.encoding is %s, want BINARY or JSON", e)
	}
	r, _, err := s.schemaCalled(settings.GetSchema())
	if err != nil {
		return err
	}
	first, last := r.index(settings.GetFirstRevisionId()), r.index(settings.GetLastRevisionId())
	switch {
	case settings.GetFirstRevisionId() != "" && first < 0:
		return notFound("revision", settings.GetFirstRevisionId())
	case settings.GetLastRevisionId() != "" && last < 0:
		return notFound("revision", settings.GetLastRevisionId())
	case first >= 0 && last >= 0 && first > last:
		return invalid("schema_settings.first_revision_id is newer than last_revision_id")
	}
	return nil
}

// conform answers the messages as they are published on a topic with these settings: with the attributes that name the
// revision that each fits. If one fits none, none is published. The caller has the server's lock.
func (s *Server) conform(
	settings *pubsubpb.SchemaSettings, messages []*pubsubpb.PubsubMessage,
) ([]*pubsubpb.PubsubMessage, error) {
	if settings == nil {
		return messages, nil
	}
	r := s.schemas[settings.GetSchema()]
	if r == nil {
		return nil, invalid("the topic's schema %s is gone; give the topic another", settings.GetSchema())
	}
	all := make([]*pubsubpb.PubsubMessage, len(messages))
	for i, m := range messages {
		fits, err := r.fitting(settings, m.GetData())
		if err != nil {
			return nil, invalid("message %d does not fit schema %s: %v", i, r.name, err)
		}
		all[i] = withSchema(m, settings, fits)
	}
	return all, nil
}

func withSchema(m *pubsubpb.PubsubMessage, settings *pubsubpb.SchemaSettings, fits revision) *pubsubpb.PubsubMessage {
	attributes := map[string]string{
		"googclient_schemaencoding":   settings.GetEncoding().String(),
		"googclient_schemaname":       settings.GetSchema(),
		"googclient_schemarevisionid": fits.GetRevisionId(),
	}
	for k, v := range m.GetAttributes() {
		if _, ours := attributes[k]; !ours {
			attributes[k] = v
		}
	}
	return &pubsubpb.PubsubMessage{Data: m.GetData(), Attributes: attributes, OrderingKey: m.GetOrderingKey()}
}

// fitting is the newest revision, of those that the settings allow, that the data fits. The error is the newest's.
func (r *revisions) fitting(settings *pubsubpb.SchemaSettings, data []byte) (revision, error) {
	allowed := r.allowed(settings)
	failure := fmt.Errorf("no revision from %q to %q is left", settings.GetFirstRevisionId(), settings.GetLastRevisionId())
	for i := len(allowed) - 1; i >= 0; i-- {
		err := check(allowed[i].compiled, settings.GetEncoding(), data)
		if err == nil {
			return allowed[i], nil
		}
		if i == len(allowed)-1 {
			failure = err
		}
	}
	return revision{}, failure
}

// allowed are the revisions from the first to the last of the settings. One of these that was deleted bounds nothing.
func (r *revisions) allowed(settings *pubsubpb.SchemaSettings) []revision {
	from, to := 0, len(r.all)
	if i := r.index(settings.GetFirstRevisionId()); i >= 0 {
		from = i
	}
	if i := r.index(settings.GetLastRevisionId()); i >= 0 {
		to = i + 1
	}
	return r.all[from:max(from, to)]
}

func check(s *schema.Schema, encoding pubsubpb.Encoding, data []byte) error {
	if encoding == pubsubpb.Encoding_JSON {
		return s.CheckJSON(data)
	}
	return s.CheckBinary(data)
}

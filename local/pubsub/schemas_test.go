package pubsub

import (
	"fmt"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const schemaName = inProject + "/schemas/person"

// persons are definitions with one field more each time.
func persons(n int) string {
	text := `syntax = "proto3"; message Person { string name = 1; `
	for i := range n {
		text += fmt.Sprintf("string more%d = %d; ", i, i+2)
	}
	return text + "}"
}

func protobuf(definition string) *pubsubpb.Schema {
	return &pubsubpb.Schema{Type: pubsubpb.Schema_PROTOCOL_BUFFER, Definition: definition}
}

func (w *world) createSchema(definition string) (*pubsubpb.Schema, error) {
	return w.schema.CreateSchema(w.t.Context(), &pubsubpb.CreateSchemaRequest{
		Parent: inProject, SchemaId: "person", Schema: protobuf(definition),
	})
}

func (w *world) commit(definition string) (*pubsubpb.Schema, error) {
	return w.schema.CommitSchema(w.t.Context(), &pubsubpb.CommitSchemaRequest{
		Name: schemaName, Schema: protobuf(definition),
	})
}

// person is a message with a name and so many fields more.
func person(fields int) []byte {
	b := []byte{1<<3 | 2, 1, 'x'}
	for i := range fields {
		b = append(b, byte((i+2)<<3|2), 1, 'x')
	}
	return b
}

// offer publishes and answers the attributes with which the message is delivered.
func (w *world) offer(data []byte) (map[string]string, error) {
	_, err := w.pub.Publish(w.t.Context(), &pubsubpb.PublishRequest{
		Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: data, Attributes: map[string]string{"a": "b"}}},
	})
	if err != nil {
		return nil, err
	}
	got := w.pull("sub", 1)
	w.ack("sub", got)
	return got[0].GetMessage().GetAttributes(), nil
}

func validated(encoding pubsubpb.Encoding) func(*pubsubpb.Topic) {
	return func(t *pubsubpb.Topic) {
		t.SchemaSettings = &pubsubpb.SchemaSettings{Schema: schemaName, Encoding: encoding}
	}
}

func TestAMessageThatBreaksItsTopicsSchemaIsRefusedWithAllOfItsRequest(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		created, err := w.createSchema(persons(0))
		w.must(err)
		w.topic("top", validated(pubsubpb.Encoding_BINARY))
		w.subscription("sub", "top")
		for name, data := range map[string][]byte{
			"not protobuf": {0xff}, "an unknown field": person(1), "JSON": []byte(`{"name": "x"}`),
		} {
			if _, err := w.offer(data); err == nil {
				t.Errorf("%s was taken", name)
			} else {
				wantCode(t, err, codes.InvalidArgument)
			}
		}
		_, err = w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
			Topic: topics + "top", Messages: []*pubsubpb.PubsubMessage{{Data: person(0)}, {Data: person(1)}},
		})
		wantCode(t, err, codes.InvalidArgument)
		w.expect("sub")
		got, err := w.offer(person(0))
		w.must(err)
		want := map[string]string{
			"a": "b", "googclient_schemaname": schemaName, "googclient_schemaencoding": "BINARY",
			"googclient_schemarevisionid": created.GetRevisionId(),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
	})
}

func TestJSONMessagesAreCheckedToo(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		_, err := w.createSchema(persons(0))
		w.must(err)
		w.topic("top", validated(pubsubpb.Encoding_JSON))
		w.subscription("sub", "top")
		got, err := w.offer([]byte(`{"name": "x"}`))
		w.must(err)
		if got["googclient_schemaencoding"] != "JSON" {
			t.Errorf("attributes %v", got)
		}
		_, err = w.offer([]byte(`{"nom": "x"}`))
		wantCode(t, err, codes.InvalidArgument)
	})
}

func TestATopicTakesMessagesOfTheRevisionsThatItAllows(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		var ids []string
		for n := range 4 {
			made, err := w.createSchema(persons(0))
			if n > 0 {
				made, err = w.commit(persons(n))
			}
			w.must(err)
			ids = append(ids, made.GetRevisionId())
		}
		w.topic("top", validated(pubsubpb.Encoding_BINARY))
		w.subscription("sub", "top")
		allow := func(first, last string) {
			_, err := w.pub.UpdateTopic(t.Context(), &pubsubpb.UpdateTopicRequest{
				Topic: &pubsubpb.Topic{Name: topics + "top", SchemaSettings: &pubsubpb.SchemaSettings{
					FirstRevisionId: first, LastRevisionId: last,
				}},
				UpdateMask: &fieldmaskpb.FieldMask{
					Paths: []string{"schema_settings.first_revision_id", "schema_settings.last_revision_id"},
				},
			})
			w.must(err)
		}
		// revisions is the newest revision that each message fits, of those with 0 to 3 fields more.
		revisions := func() (all []string) {
			for n := range 4 {
				got, _ := w.offer(person(n))
				all = append(all, got["googclient_schemarevisionid"])
			}
			return all
		}
		check := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, revisions()); diff != "" {
				t.Errorf("revisions (-want +got):\n%s", diff)
			}
		}
		check(ids[3], ids[3], ids[3], ids[3])
		allow("", ids[1])
		check(ids[1], ids[1], "", "")
		allow(ids[2], ids[2])
		check(ids[2], ids[2], ids[2], "")
		allow(ids[1], "")
		check(ids[3], ids[3], ids[3], ids[3])
		_, err := w.schema.DeleteSchemaRevision(t.Context(), &pubsubpb.DeleteSchemaRevisionRequest{
			Name: schemaName + "@" + ids[3],
		})
		w.must(err)
		check(ids[2], ids[2], ids[2], "")
		_, err = w.schema.DeleteSchema(t.Context(), &pubsubpb.DeleteSchemaRequest{Name: schemaName})
		w.must(err)
		check("", "", "", "")
		topic, err := w.pub.GetTopic(t.Context(), &pubsubpb.GetTopicRequest{Topic: topics + "top"})
		w.must(err)
		if got := topic.GetSchemaSettings().GetSchema(); got != deletedSchema {
			t.Errorf("schema %q", got)
		}
		for _, bad := range [][2]string{{"nope", ""}, {"", "nope"}} {
			_, err := w.pub.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topics + "other",
				SchemaSettings: &pubsubpb.SchemaSettings{
					Schema: schemaName, Encoding: pubsubpb.Encoding_JSON, FirstRevisionId: bad[0], LastRevisionId: bad[1],
				}})
			wantCode(t, err, codes.NotFound)
		}
	})
}

func TestATopicRefusesWhatOnlyRevisionsBeforeItsFirstTake(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		_, err := w.createSchema(persons(1))
		w.must(err)
		second, err := w.commit(persons(0))
		w.must(err)
		for first, want := range map[string]codes.Code{"": codes.OK, second.GetRevisionId(): codes.InvalidArgument} {
			topic := &pubsubpb.Topic{Name: topics + "from-" + first}
			validated(pubsubpb.Encoding_BINARY)(topic)
			topic.SchemaSettings.FirstRevisionId = first
			_, err := w.pub.CreateTopic(t.Context(), topic)
			w.must(err)
			_, err = w.pub.Publish(t.Context(), &pubsubpb.PublishRequest{
				Topic: topic.GetName(), Messages: []*pubsubpb.PubsubMessage{{Data: person(1)}},
			})
			wantCode(t, err, want)
		}
	})
}

func TestPublishersDoNotNameTheSchema(t *testing.T) {
	virtually(t, func(t *testing.T, w *world) {
		_, err := w.createSchema(persons(0))
		w.must(err)
		w.topic("top", validated(pubsubpb.Encoding_BINARY))
		w.subscription("sub", "top")
		w.publishMessage("top", &pubsubpb.PubsubMessage{
			Data: person(0), Attributes: map[string]string{"googclient_schemaname": "another"},
		})
		if got := w.pull("sub", 1)[0].GetMessage().GetAttributes()["googclient_schemaname"]; got != schemaName {
			t.Errorf("schema %q", got)
		}
	})
}

package pubsub

import (
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
)

func TestSchemasHaveRevisions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	first, err := w.createSchema(persons(0))
	w.must(err)
	_, err = w.createSchema(persons(0))
	wantCode(t, err, codes.AlreadyExists)
	second, err := w.commit(persons(1))
	w.must(err)
	_, err = w.commit(`syntax = "proto3"; message Person { int32 name = 1; }`)
	wantCode(t, err, codes.InvalidArgument)
	third, err := w.schema.RollbackSchema(t.Context(), &pubsubpb.RollbackSchemaRequest{
		Name: schemaName, RevisionId: first.GetRevisionId(),
	})
	w.must(err)
	id := third.GetRevisionId()
	if third.GetDefinition() != first.GetDefinition() || id == first.GetRevisionId() || len(id) != 8 {
		t.Errorf("rolled back to %v", third)
	}
	_, err = w.schema.RollbackSchema(t.Context(), &pubsubpb.RollbackSchemaRequest{Name: schemaName, RevisionId: "nope"})
	wantCode(t, err, codes.NotFound)
	full := &pubsubpb.ListSchemaRevisionsRequest{Name: schemaName, View: pubsubpb.SchemaView_FULL}
	listed, err := w.schema.ListSchemaRevisions(t.Context(), full)
	w.must(err)
	if diff := cmp.Diff([]*pubsubpb.Schema{third, second, first}, listed.GetSchemas(), protocmp.Transform()); diff != "" {
		t.Errorf("revisions (-want +got):\n%s", diff)
	}
	get := func(name string, view pubsubpb.SchemaView) *pubsubpb.Schema {
		got, err := w.schema.GetSchema(t.Context(), &pubsubpb.GetSchemaRequest{Name: name, View: view})
		w.must(err)
		return got
	}
	if diff := cmp.Diff(second, get(schemaName+"@"+second.GetRevisionId(), 0), protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	if got := get(schemaName,
		pubsubpb.SchemaView_BASIC); got.GetDefinition() != "" || got.GetRevisionId() != third.GetRevisionId() {
		t.Errorf("basic %v", got)
	}
	all, err := w.schema.ListSchemas(t.Context(), &pubsubpb.ListSchemasRequest{Parent: inProject})
	w.must(err)
	if len(all.GetSchemas()) != 1 || all.GetSchemas()[0].GetDefinition() != "" {
		t.Errorf("schemas %v", all.GetSchemas())
	}
	for range 2 {
		left, err := w.schema.ListSchemaRevisions(t.Context(), full)
		w.must(err)
		_, err = w.schema.DeleteSchemaRevision(t.Context(), &pubsubpb.DeleteSchemaRevisionRequest{
			Name: schemaName + "@" + left.GetSchemas()[0].GetRevisionId(),
		})
		w.must(err)
	}
	for name, want := range map[string]codes.Code{
		schemaName: codes.InvalidArgument, schemaName + "@nope": codes.NotFound,
		schemaName + "@" + first.GetRevisionId(): codes.InvalidArgument,
	} {
		_, err := w.schema.DeleteSchemaRevision(t.Context(), &pubsubpb.DeleteSchemaRevisionRequest{Name: name})
		wantCode(t, err, want)
	}
}

func TestASchemaHasTwentyRevisionsAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	_, err := w.createSchema(persons(0))
	w.must(err)
	for n := range 19 {
		_, err := w.commit(persons(n + 1))
		w.must(err)
	}
	_, err = w.commit(persons(20))
	wantCode(t, err, codes.FailedPrecondition)
}

func TestSchemasAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Options{})
	ctx := t.Context()
	_, err := w.createSchema(persons(0))
	w.must(err)
	for _, tt := range []struct {
		schema *pubsubpb.Schema
		want   codes.Code
	}{
		{protobuf(persons(3)), codes.OK},
		{nil, codes.InvalidArgument},
		{protobuf(""), codes.InvalidArgument},
		{protobuf("message"), codes.InvalidArgument},
		{&pubsubpb.Schema{Definition: persons(0)}, codes.InvalidArgument},
		{&pubsubpb.Schema{Type: pubsubpb.Schema_AVRO, Definition: "{}"}, codes.Unimplemented},
		{&pubsubpb.Schema{Type: pubsubpb.Schema_PROTOCOL_BUFFER, Configuration: &pubsubpb.Schema_CompiledProtoSchema{
			CompiledProtoSchema: &pubsubpb.CompiledProtoSchema{},
		}}, codes.Unimplemented},
	} {
		_, err := w.schema.ValidateSchema(ctx, &pubsubpb.ValidateSchemaRequest{Parent: inProject, Schema: tt.schema})
		wantCode(t, err, tt.want)
		_, err = w.schema.CreateSchema(ctx, &pubsubpb.CreateSchemaRequest{
			Parent: inProject, SchemaId: "another", Schema: tt.schema,
		})
		wantCode(t, err, tt.want)
	}
	for id, want := range map[string]codes.Code{
		"ab": codes.InvalidArgument, "a/b/c": codes.InvalidArgument, "googx": codes.InvalidArgument,
	} {
		_, err := w.schema.CreateSchema(ctx, &pubsubpb.CreateSchemaRequest{
			Parent: inProject, SchemaId: id, Schema: protobuf(persons(0)),
		})
		wantCode(t, err, want)
	}
	const binary, json = pubsubpb.Encoding_BINARY, pubsubpb.Encoding_JSON
	named := &pubsubpb.ValidateMessageRequest_Name{Name: schemaName}
	for _, tt := range []struct {
		req  *pubsubpb.ValidateMessageRequest
		want codes.Code
	}{
		{&pubsubpb.ValidateMessageRequest{SchemaSpec: named, Encoding: binary, Message: person(0)}, codes.OK},
		{&pubsubpb.ValidateMessageRequest{SchemaSpec: named, Encoding: binary, Message: person(1)}, codes.InvalidArgument},
		{&pubsubpb.ValidateMessageRequest{SchemaSpec: named, Encoding: json, Message: []byte(`{"name": ""}`)}, codes.OK},
		{&pubsubpb.ValidateMessageRequest{SchemaSpec: named, Message: person(0)}, codes.InvalidArgument},
		{&pubsubpb.ValidateMessageRequest{Encoding: json}, codes.InvalidArgument},
		{&pubsubpb.ValidateMessageRequest{
			SchemaSpec: &pubsubpb.ValidateMessageRequest_Name{Name: schemaName + "x"}, Encoding: json,
		}, codes.NotFound},
		{&pubsubpb.ValidateMessageRequest{
			SchemaSpec: &pubsubpb.ValidateMessageRequest_Schema{
				Schema: protobuf(persons(1)),
			}, Encoding: binary, Message: person(1),
		}, codes.OK},
	} {
		tt.req.Parent = inProject
		_, err := w.schema.ValidateMessage(ctx, tt.req)
		wantCode(t, err, tt.want)
	}
}

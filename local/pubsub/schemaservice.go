package pubsub

import (
	"context"
	"slices"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"orderflow.dev/local/pubsub/schema"
)

// schemaService is google.pubsub.v1.SchemaService.
type schemaService struct {
	*Server
	pubsubpb.UnimplementedSchemaServiceServer
}

// viewed leaves out the definition unless the view is full.
func viewed(one revision, view, otherwise pubsubpb.SchemaView) *pubsubpb.Schema {
	if view == pubsubpb.SchemaView_SCHEMA_VIEW_UNSPECIFIED {
		view = otherwise
	}
	if view == pubsubpb.SchemaView_FULL {
		return one.Schema
	}
	basic := proto.CloneOf(one.Schema)
	basic.Definition = ""
	return basic
}

func (s schemaService) CreateSchema(ctx context.Context, req *pubsubpb.CreateSchemaRequest) (*pubsubpb.Schema, error) {
	if err := checkProject(req.GetParent()); err != nil {
		return nil, err
	}
	if err := checkID(req.GetSchemaId()); err != nil {
		return nil, err
	}
	compiled, err := compileSchema(req.GetSchema())
	if err != nil {
		return nil, err
	}
	name := req.GetParent() + "/schemas/" + req.GetSchemaId()
	first := s.newRevision(name, req.GetSchema().GetDefinition(), compiled)
	return first.Schema, s.write(ctx, func() (position, error) {
		if s.schemas[name] != nil {
			return 0, exists("schema", name)
		}
		s.schemas[name] = &revisions{name: name, all: []revision{first}}
		return s.appendSchema(s.schemas[name]), nil
	})
}

func (s schemaService) GetSchema(_ context.Context, req *pubsubpb.GetSchemaRequest) (*pubsubpb.Schema, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, id, err := s.schemaCalled(req.GetName())
	if err != nil {
		return nil, err
	}
	one := r.latest()
	if id != "" {
		one = r.all[r.index(id)]
	}
	return viewed(one, req.GetView(), pubsubpb.SchemaView_FULL), nil
}

func (s schemaService) ListSchemas(
	_ context.Context, req *pubsubpb.ListSchemasRequest,
) (*pubsubpb.ListSchemasResponse, error) {
	if err := checkProject(req.GetParent()); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	names, next, err := page(within(req.GetParent(), s.schemas), req.GetPageSize(), req.GetPageToken())
	resp := &pubsubpb.ListSchemasResponse{NextPageToken: next}
	for _, name := range names {
		resp.Schemas = append(resp.Schemas, viewed(s.schemas[name].latest(), req.GetView(), pubsubpb.SchemaView_BASIC))
	}
	return resp, err
}

// ListSchemaRevisions answers the newest first. There are so few that it knows one page only.
func (s schemaService) ListSchemaRevisions(
	_ context.Context, req *pubsubpb.ListSchemaRevisionsRequest,
) (*pubsubpb.ListSchemaRevisionsResponse, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, _, err := s.schemaCalled(req.GetName())
	switch {
	case err != nil:
		return nil, err
	case req.GetPageToken() != "":
		return nil, invalid("page_token %q is not one of mine", req.GetPageToken())
	}
	resp := &pubsubpb.ListSchemaRevisionsResponse{}
	for _, one := range slices.Backward(r.all) {
		resp.Schemas = append(resp.Schemas, viewed(one, req.GetView(), pubsubpb.SchemaView_BASIC))
	}
	return resp, nil
}

func (s schemaService) CommitSchema(ctx context.Context, req *pubsubpb.CommitSchemaRequest) (*pubsubpb.Schema, error) {
	compiled, err := compileSchema(req.GetSchema())
	if err != nil {
		return nil, err
	}
	return s.revise(ctx, req.GetName(), func(r *revisions) (revision, error) {
		if given := req.GetSchema().GetName(); given != "" && given != r.name {
			return revision{}, invalid("schema.name is %q, and name %q", given, r.name)
		}
		if err := schema.Compatible(r.latest().compiled, compiled); err != nil {
			return revision{}, invalid("schema %s: not compatible with revision %s: %v", r.name, r.latest().GetRevisionId(), err)
		}
		return s.newRevision(r.name, req.GetSchema().GetDefinition(), compiled), nil
	})
}

func (s schemaService) RollbackSchema(
	ctx context.Context, req *pubsubpb.RollbackSchemaRequest,
) (*pubsubpb.Schema, error) {
	return s.revise(ctx, req.GetName(), func(r *revisions) (revision, error) {
		i := r.index(req.GetRevisionId())
		if i < 0 {
			return revision{}, notFound("revision", req.GetRevisionId())
		}
		return s.newRevision(r.name, r.all[i].GetDefinition(), r.all[i].compiled), nil
	})
}

// revise adds a revision.
func (s schemaService) revise(
	ctx context.Context, name string, next func(*revisions) (revision, error),
) (*pubsubpb.Schema, error) {
	var added revision
	err := s.write(ctx, func() (position, error) {
		r, _, err := s.schemaCalled(name)
		if err != nil {
			return 0, err
		}
		if len(r.all) == maxRevisions {
			return 0, status.Errorf(codes.FailedPrecondition, "schema %s has %d revisions; delete one first", r.name,
				maxRevisions)
		}
		if added, err = next(r); err != nil {
			return 0, err
		}
		r.all = append(r.all, added)
		return s.appendSchema(r), nil
	})
	if err != nil {
		return nil, err
	}
	return added.Schema, nil
}

func (s schemaService) DeleteSchemaRevision(
	ctx context.Context, req *pubsubpb.DeleteSchemaRevisionRequest,
) (*pubsubpb.Schema, error) {
	name := req.GetName()
	if !strings.Contains(name, "@") {
		return nil, invalid("name %q: want that of a revision, {schema}@{revision}", name)
	}
	var left revision
	err := s.write(ctx, func() (position, error) {
		r, id, err := s.schemaCalled(name)
		switch {
		case err != nil:
			return 0, err
		case len(r.all) == 1:
			return 0, invalid("%s is the only revision; delete the schema", name)
		}
		i := r.index(id)
		r.all = slices.Concat(r.all[:i], r.all[i+1:])
		left = r.latest()
		return s.appendSchema(r), nil
	})
	if err != nil {
		return nil, err
	}
	return left.Schema, nil
}

func (s schemaService) DeleteSchema(ctx context.Context, req *pubsubpb.DeleteSchemaRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.write(ctx, func() (position, error) {
		r, _, err := s.schemaCalled(req.GetName())
		if err != nil {
			return 0, err
		}
		s.deleteSchema(r.name)
		return s.append(schemaDeleted, []byte(r.name)), nil
	})
}

func (s schemaService) ValidateSchema(
	_ context.Context, req *pubsubpb.ValidateSchemaRequest,
) (*pubsubpb.ValidateSchemaResponse, error) {
	if err := checkProject(req.GetParent()); err != nil {
		return nil, err
	}
	_, err := compileSchema(req.GetSchema())
	return &pubsubpb.ValidateSchemaResponse{}, err
}

func (s schemaService) ValidateMessage(
	_ context.Context, req *pubsubpb.ValidateMessageRequest,
) (*pubsubpb.ValidateMessageResponse, error) {
	if err := checkProject(req.GetParent()); err != nil {
		return nil, err
	}
	if e := req.GetEncoding(); e != pubsubpb.Encoding_BINARY && e != pubsubpb.Encoding_JSON {
		return nil, invalid("encoding is %s, want BINARY or JSON", e)
	}
	compiled, err := s.specified(req)
	if err != nil {
		return nil, err
	}
	if err := check(compiled, req.GetEncoding(), req.GetMessage()); err != nil {
		return nil, invalid("the message does not fit the schema: %v", err)
	}
	return &pubsubpb.ValidateMessageResponse{}, nil
}

func (s schemaService) specified(req *pubsubpb.ValidateMessageRequest) (*schema.Schema, error) {
	if req.GetName() == "" {
		return compileSchema(req.GetSchema())
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, id, err := s.schemaCalled(req.GetName())
	switch {
	case err != nil:
		return nil, err
	case id != "":
		return r.all[r.index(id)].compiled, nil
	}
	return r.latest().compiled, nil
}

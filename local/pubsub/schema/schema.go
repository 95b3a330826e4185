// Package schema is Pub/Sub's schemas of messages as Protocol Buffers: what a definition may be, which messages fit
// it, and which definitions may follow one another (https://cloud.google.com/pubsub/docs/schemas).
package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// MaxBytes is the longest definition that Pub/Sub takes.
const MaxBytes = 300 << 10

// Schema is a compiled definition. Many goroutines may use it at once.
type Schema struct {
	root protoreflect.MessageDescriptor
}

// Compile reads a definition, the text of a .proto file. The file stands alone and has one type at the top, a
// message. The error says what is wrong with the definition, and where.
func Compile(definition string) (*Schema, error) {
	if len(definition) > MaxBytes {
		return nil, fmt.Errorf("the definition has %d bytes, at most %d are taken", len(definition), MaxBytes)
	}
	const name = "definition"
	source := &protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: definition}),
	}
	compiler := protocompile.Compiler{Resolver: source}
	files, err := compiler.Compile(context.Background(), name)
	if err != nil {
		return nil, fmt.Errorf("the definition does not compile: %w", err)
	}
	return rooted(files[0])
}

func rooted(file protoreflect.FileDescriptor) (*Schema, error) {
	types := file.Messages().Len() + file.Enums().Len() + file.Extensions().Len() + file.Services().Len()
	switch {
	case file.Imports().Len() > 0:
		return nil, errors.New("the definition imports other files; it has to stand alone")
	case types != 1 || file.Messages().Len() != 1:
		return nil, fmt.Errorf("the definition has %d types at the top; it has to have one, a message", types)
	}
	return &Schema{root: file.Messages().Get(0)}, nil
}

// CheckBinary says why a message in the binary encoding does not fit, or nil. A field that the schema does not know
// does not fit: a topic may be held to a revision so that it takes that revision's fields only
// (https://github.com/GoogleCloudPlatform/magic-modules/pull/7981).
func (s *Schema) CheckBinary(data []byte) error {
	m := dynamicpb.NewMessage(s.root)
	if err := proto.Unmarshal(data, m); err != nil {
		return err
	}
	return known(m)
}

// CheckJSON says why a message in the JSON encoding does not fit, or nil.
func (s *Schema) CheckJSON(data []byte) error {
	return protojson.Unmarshal(data, dynamicpb.NewMessage(s.root))
}

// known is an error if the message, or one in it, has a field that the schema does not know.
func known(m protoreflect.Message) (err error) {
	if len(m.GetUnknown()) > 0 {
		return fmt.Errorf("%s has fields that the schema does not know", m.Descriptor().FullName())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		err = knownIn(f, v)
		return err == nil
	})
	return err
}

func knownIn(f protoreflect.FieldDescriptor, v protoreflect.Value) (err error) {
	switch {
	case f.IsMap():
		v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			err = knownValue(f.MapValue(), v)
			return err == nil
		})
		return err
	case f.IsList():
		for i := range v.List().Len() {
			if err := knownValue(f, v.List().Get(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return knownValue(f, v)
}

func knownValue(f protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch {
	case f.Message() != nil:
		return known(v.Message())
	case f.Enum() != nil && f.Enum().IsClosed() && f.Enum().Values().ByNumber(v.Enum()) == nil:
		return fmt.Errorf("%s has the value %d, which the schema does not know", f.FullName(), v.Enum())
	}
	return nil
}

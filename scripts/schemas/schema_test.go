package main

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// message is the first message of a file, which is given as a FileDescriptorProto in text format.
func message(t *testing.T, text string) protoreflect.MessageDescriptor {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(`name: "a.proto" package: "a" syntax: "proto3" `+text), file); err != nil {
		t.Fatal(err)
	}
	f, err := protodesc.NewFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f.Messages().Get(0)
}

func TestWhatNoEventHasYet(t *testing.T) {
	m := message(t, `
		message_type {
			name: "E"
			field { name: "level" number: 1 type: TYPE_ENUM type_name: ".a.Level" label: LABEL_OPTIONAL }
			field { name: "note" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 }
			field { name: "counts" number: 5 type: TYPE_MESSAGE type_name: ".a.E.CountsEntry" label: LABEL_REPEATED }
			field { name: "part" number: 6 type: TYPE_MESSAGE type_name: ".a.E" label: LABEL_REPEATED }
			oneof_decl { name: "_note" }
			reserved_range { start: 2 end: 3 }
			nested_type {
				name: "CountsEntry" options { map_entry: true }
				field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
				field { name: "value" number: 2 type: TYPE_BYTES label: LABEL_OPTIONAL }
			}
		}
		enum_type { name: "Level" value { name: "LEVEL_UNSPECIFIED" number: 0 } value { name: "LEVEL_HIGH" number: 7 } }`)
	text, err := schema(m)
	if err != nil {
		t.Fatal(err)
	}
	f, err := compile(t, map[string]string{"a.proto": text}).FindFileByPath("a.proto")
	if err != nil {
		t.Fatal(err)
	}
	if r := f.Messages().Get(0).ReservedRanges(); r.Len() != 1 || !r.Has(2) || r.Has(3) {
		t.Errorf("the reserved number is not 2:\n%s", text)
	}
	full := dynamicpb.NewMessage(m)
	if err := prototext.Unmarshal([]byte(`level: LEVEL_HIGH note: "" counts { key: "k" value: "v" } part { note: "n" }`), full); err != nil {
		t.Fatal(err)
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(full)
	if err != nil {
		t.Fatal(err)
	}
	if err := takes(f, data); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	for want, text := range map[string]string{
		"would have one name": `
			message_type {
				name: "E"
				field { name: "x" number: 1 type: TYPE_MESSAGE type_name: ".a.P.M" label: LABEL_OPTIONAL }
				field { name: "y" number: 2 type: TYPE_MESSAGE type_name: ".a.Q.M" label: LABEL_OPTIONAL }
			}
			message_type { name: "P" nested_type { name: "M" } }
			message_type { name: "Q" nested_type { name: "M" } }`,
		"is a oneof": `
			message_type {
				name: "E"
				field { name: "x" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
				oneof_decl { name: "one" }
			}`,
		"Pub/Sub takes 307200": `
			message_type { name: "E" field { name: "` + strings.Repeat("x", maxSchema) + `" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }`,
	} {
		if _, err := schema(message(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

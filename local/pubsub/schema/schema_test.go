package schema_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	"orderflow.dev/local/pubsub/schema"
)

func compile(t *testing.T, definition string) *schema.Schema {
	t.Helper()
	s, err := schema.Compile(definition)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDefinitionsStandAloneAndHaveOneMessage(t *testing.T) {
	t.Parallel()
	const proto3 = `syntax = "proto3"; `
	tests := map[string]string{
		proto3 + `message A { message B {} enum E { Z = 0; } B b = 1; }`:     "",
		`syntax = "proto2"; package p; message A { required string a = 1; }`: "",
		``:                                   "0 types",
		proto3 + `enum E { Z = 0; }`:         "one, a message",
		proto3 + `message A {} message B {}`: "2 types",
		proto3 + `message A {} enum E { Z = 0; }`:                                                   "2 types",
		proto3 + `message A {} service S {}`:                                                        "2 types",
		proto3 + `import "google/protobuf/empty.proto"; message A { google.protobuf.Empty e = 1; }`: "does not compile",
		proto3 + `message A { B b = 1; }`:                                                           "does not compile",
		`message`:                                                                                   "does not compile",
		strings.Repeat(" ", 300<<10) + "x":                                                          "at most",
	}
	for definition, want := range tests {
		_, err := schema.Compile(definition)
		if got := errorText(err); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("Compile(%.60q) = %q, want %q", definition, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMessagesFitOrDoNot(t *testing.T) {
	t.Parallel()
	const definition = `syntax = "proto2"; message A {
		required string name = 1; repeated B list = 2; map<string, B> map = 3; optional B one = 4;
		map<string, string> plain = 5; optional E e = 6;
		message B { optional int32 n = 1; } enum E { ZERO = 0; } }`
	s := compile(t, definition)
	field := func(n protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), content)
	}
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 9, protowire.VarintType), 1)
	named := field(1, []byte("n"))
	with := func(more []byte) []byte { return append(append([]byte{}, named...), more...) }
	binary := map[string]struct {
		data []byte
		fits bool
	}{
		"named":                      {named, true},
		"with a list":                {with(field(2, []byte{8, 1})), true},
		"with a map":                 {with(field(5, append(field(1, []byte("k")), field(2, []byte("v"))...))), true},
		"nothing":                    {nil, false},
		"not protobuf":               {[]byte{0xff}, false},
		"cut off":                    {named[:2], false},
		"unknown field":              {with(unknown), false},
		"unknown field in a list":    {with(append(field(2, nil), field(2, unknown)...)), false},
		"unknown field in a map":     {with(field(3, append(field(1, []byte("k")), field(2, unknown)...))), false},
		"unknown field in a message": {with(field(4, unknown)), false},
		"unknown enum value":         {with([]byte{6 << 3, 7}), false},
		"another wire type":          {with([]byte{4 << 3, 1}), false},
	}
	for name, tt := range binary {
		if err := s.CheckBinary(tt.data); (err == nil) != tt.fits {
			t.Errorf("%s: %v, want fits = %v", name, err, tt.fits)
		}
	}
	json := map[string]bool{
		`{"name": "n", "list": [{"n": 1}], "e": "ZERO"}`: true, `{}`: false, `{"name": 1}`: false,
		`{"name": "n", "x": 1}`: false,
		`{"name": "n"`:          false, ``: false, `{"name": "n", "e": "ONE"}`: false,
	}
	for data, fits := range json {
		if err := s.CheckJSON([]byte(data)); (err == nil) != fits {
			t.Errorf("%s: %v, want fits = %v", data, err, fits)
		}
	}
}

func TestRevisionsMayOnlyAddAndRemoveOptionalFields(t *testing.T) {
	t.Parallel()
	const base = `syntax = "proto3"; message A {
		string s = 1; repeated B list = 2; optional int32 n = 3; E e = 4; map<string, int32> m = 5;
		message B { string b = 1; A a = 2; } enum E { ZERO = 0; ONE = 1; } }`
	change := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(base) }
	tests := map[string]struct {
		after string
		want  string
	}{
		"the same":               {base, ""},
		"an added field":         {change("string s = 1;", "string s = 1; string t = 9;"), ""},
		"a removed field":        {change("optional int32 n = 3;", ""), ""},
		"an added field below":   {change("string b = 1;", "string b = 1; string c = 9;"), ""},
		"an added list":          {change("string s = 1;", "string s = 1; repeated string t = 9;"), "repeated and new"},
		"a removed list":         {change("repeated B list = 2;", "B x = 9;"), "repeated and gone"},
		"another kind":           {change("string s = 1;", "bytes s = 1;"), "A.s was changed"},
		"another name":           {change("string s = 1;", "string t = 1;"), "A.s was changed"},
		"presence":               {change("string s = 1;", "optional string s = 1;"), "A.s was changed"},
		"a list of it":           {change("string s = 1;", "repeated string s = 1;"), "A.s was changed"},
		"a change below":         {change("string b = 1;", "int32 b = 1;"), "A.B.b was changed"},
		"another message's name": {change("message A", "message X", "A a", "X a"), "message A became X"},
		"an added enum value":    {change("ONE = 1;", "ONE = 1; TWO = 2;"), "enum A.E was changed"},
		"another enum value":     {change("ONE = 1;", "UNO = 1;"), "A.ONE = 1 was changed"},
		"another value of a map": {change("map<string, int32>", "map<string, int64>"), "was changed"},
		"another package":        {change(`"proto3";`, `"proto3"; package p;`), "message A became p.A"},
	}
	before := compile(t, base)
	for name, tt := range tests {
		err := schema.Compatible(before, compile(t, tt.after))
		if got := errorText(err); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestOurEventsFitTheirSchemas takes the schemas that are deployed, and an event of each kind with all fields set.
func TestOurEventsFitTheirSchemas(t *testing.T) {
	t.Parallel()
	events := eventv1.File_orderflow_event_v1_events_proto.Messages()
	schemas := map[protoreflect.FullName]*schema.Schema{}
	for i := range events.Len() {
		name := events.Get(i).FullName()
		text, err := os.ReadFile(filepath.Join("../../../terraform/modules/pipeline/schemas", string(name)+".proto"))
		if err != nil {
			t.Fatal(err)
		}
		schemas[name] = compile(t, string(text))
	}
	if len(schemas) == 0 {
		t.Fatal("no events")
	}
	for i := range events.Len() {
		event := filled(events.Get(i))
		data, err := proto.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		for name := range maps.Keys(schemas) {
			err := schemas[name].CheckBinary(data)
			if own := name == event.Descriptor().FullName(); own && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if name == "orderflow.event.v1.ImportChunk" && !own && err == nil {
				t.Errorf("%s fits %s", event.Descriptor().FullName(), name)
			}
		}
		if _, err := protojson.Marshal(event); err != nil {
			t.Error(err)
		}
	}
}

// filled is a message with every field set.
func filled(d protoreflect.MessageDescriptor) *dynamicpb.Message {
	m := dynamicpb.NewMessage(d)
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		switch {
		case f.IsList() && f.Message() != nil:
			m.Mutable(f).List().Append(protoreflect.ValueOfMessage(filled(f.Message())))
		case f.Message() != nil:
			m.Set(f, protoreflect.ValueOfMessage(filled(f.Message())))
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString("x"))
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(7))
		case f.Kind() == protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(7))
		default:
			panic("a kind of field that is new to the events: " + f.Kind().String())
		}
	}
	return m
}

// FuzzCompile holds compiling and checking to one rule: no panic.
func FuzzCompile(f *testing.F) {
	f.Add(`syntax = "proto3"; message A { string a = 1; A b = 2; repeated A c = 3; map<string, A> d = 4; }`, []byte{18,
		2, 10, 0})
	f.Add(`edition = "2023"; message A { extensions 1 to 5; oneof x { int32 a = 9; } }`, []byte{8, 1})
	f.Add(`syntax = "proto2"; message A { optional group G = 1 { required int32 a = 2; } }`, []byte{11, 16, 1, 12})
	f.Fuzz(func(t *testing.T, definition string, data []byte) {
		s, err := schema.Compile(definition)
		if err != nil {
			return
		}
		if err := schema.Compatible(s, s); err != nil {
			t.Errorf("%q is not compatible with itself: %v", definition, err)
		}
		_ = s.CheckBinary(data)
		_ = s.CheckJSON(data)
	})
}

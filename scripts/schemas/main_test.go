package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const (
	folder = "../../terraform/modules/pipeline/schemas"
	corpus = "../../proto/testdata/v1"
)

func TestSchemasInTheTreeAreThoseOfTheEvents(t *testing.T) {
	want, err := files()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	found, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got[filepath.Base(name)] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 9 {
		t.Errorf("%d events; run `go generate ./scripts/schemas` and commit what it writes (-want +got):\n%s", len(want), diff)
	}
}

func TestWriteRemovesWhatIsNoEventAnyMore(t *testing.T) {
	dir := t.TempDir()
	stale := filepath.Join(dir, "orderflow.event.v1.OrderLost.proto")
	if err := os.WriteFile(stale, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !os.IsNotExist(err) {
		t.Errorf("the schema of an event that is gone is still there (error %v)", err)
	}
}

// compile compiles schemas by the tool that compiles our protos.
func compile(t *testing.T, files map[string]string) *protoregistry.Files {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "schemas.binpb")
	if said, err := exec.Command("go", "tool", "-modfile=../tools/go.mod", "buf", "build", dir, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("buf build: %v\n%s", err, said)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	compiled, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// takes is what is wrong with a compiled schema, given a message as it was published.
func takes(f protoreflect.FileDescriptor, data []byte) error {
	if f.Imports().Len() > 0 || f.Messages().Len() != 1 || f.Enums().Len() > 0 {
		return fmt.Errorf("it has %d imports, %d messages and %d enums at its top", f.Imports().Len(), f.Messages().Len(), f.Enums().Len())
	}
	m := dynamicpb.NewMessage(f.Messages().Get(0))
	if err := proto.Unmarshal(data, m); err != nil {
		return err
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("written again it is %x, was %x", again, data)
	}
	if path := unknown(m); path != "" {
		return fmt.Errorf("it does not know all fields of %s", path)
	}
	return nil
}

// unknown is a message with a field that the schema does not have; empty if there is none.
func unknown(m protoreflect.Message) (found string) {
	if len(m.GetUnknown()) > 0 {
		return string(m.Descriptor().FullName())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				found += unknown(v.List().Get(i).Message())
			}
		default:
			found += unknown(v.Message())
		}
		return found == ""
	})
	return found
}

func sample(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, strings.TrimSuffix(file, ".proto")+".binpb"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The corpus has a sample of every message with every field set, as some version of us published it.
func TestWhatWePublishFitsItsSchema(t *testing.T) {
	schemas, err := files()
	if err != nil {
		t.Fatal(err)
	}
	compiled := compile(t, schemas)
	for name := range schemas {
		f, err := compiled.FindFileByPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := takes(f, sample(t, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAWrongSchemaIsFound(t *testing.T) {
	const name = "orderflow.event.v1.OrderCreated.proto"
	schemas, err := files()
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"a number":                strings.Replace(schemas[name], "customer_id = 4", "customer_id = 14", 1),
		"a number that is nested": strings.Replace(schemas[name], "minor_units = 2", "minor_units = 12", 1),
		"a kind":                  strings.Replace(schemas[name], "repeated OrderLine lines", "int64 lines", 1),
		"a message more":          schemas[name] + "message Other {}\n",
	} {
		if text == schemas[name] {
			t.Fatalf("%s: nothing was changed", what)
		}
		f, err := compile(t, map[string]string{name: text}).FindFileByPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if takes(f, sample(t, name)) == nil {
			t.Errorf("%s is wrong, and nothing noticed", what)
		}
	}
}

// Package proto_test holds the contracts to what was written under them: messages that are stored or on their way stay
// readable, whatever is added.
package proto_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
	_ "orderflow.dev/gen/orderflow/inventory/v1"
	_ "orderflow.dev/gen/orderflow/order/v1"
	_ "orderflow.dev/gen/orderflow/payment/v1"
)

var update = flag.Bool("update", false, "write the samples that are missing; those that exist are never changed")

// corpus holds a sample of every message, every field set, in both of its forms. A sample is what some version of us
// wrote: it is added, never changed.
const corpus = "testdata/v1"

// messages are all of ours, by full name.
func messages(t *testing.T) map[string]protoreflect.MessageType {
	t.Helper()
	all := map[string]protoreflect.MessageType{}
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		d := m.Descriptor()
		if strings.HasPrefix(string(d.FullName()), "orderflow.") && !d.IsMapEntry() {
			all[string(d.FullName())] = m
		}
		return true
	})
	if len(all) < 30 {
		t.Fatalf("only %d messages are linked into this test", len(all))
	}
	return all
}

func read(t *testing.T, name string) ([]byte, bool) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return data, err == nil
}

func TestEveryMessageHasASampleThatIsReadWithoutLoss(t *testing.T) {
	for name, typ := range messages(t) {
		binary, okBinary := read(t, name+".binpb")
		text, okText := read(t, name+".json")
		if !okBinary || !okText {
			if !*update {
				t.Errorf("%s has no sample: run `go test ./proto -update` and commit what it writes", name)
				continue
			}
			binary, text = write(t, name, typ)
		}
		fromBinary, fromText := typ.New().Interface(), typ.New().Interface()
		if err := proto.Unmarshal(binary, fromBinary); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if path := unknown(fromBinary.ProtoReflect()); path != "" {
			t.Errorf("%s: the stored field %s is not known any more: its data would be lost", name, path)
		}
		if err := protojson.Unmarshal(text, fromText); err != nil {
			t.Errorf("%s: the JSON of an older caller is refused: %v", name, err)
			continue
		}
		if diff := cmp.Diff(fromText, fromBinary, protocmp.Transform()); diff != "" {
			t.Errorf("%s: JSON and binary are read as different messages:\n%s", name, diff)
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(fromBinary)
		if err != nil || !cmp.Equal(again, binary) {
			t.Errorf("%s: written again it is %x (error %v), was %x", name, again, err, binary)
		}
	}
}

// write makes a sample of a message as it is now.
func write(t *testing.T, name string, typ protoreflect.MessageType) (binary, text []byte) {
	t.Helper()
	m := typ.New()
	fill(m, 1)
	binary, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m.Interface())
	if err != nil {
		t.Fatal(err)
	}
	var fields any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	if text, err = json.MarshalIndent(fields, "", "  "); err != nil { // protojson's own white space is not stable
		t.Fatal(err)
	}
	for suffix, data := range map[string][]byte{".binpb": binary, ".json": append(text, '\n')} {
		if err := os.WriteFile(filepath.Join(corpus, name+suffix), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return binary, text
}

// unknown is the path of a field that the code does not know, in m or anything it holds; empty if there is none.
func unknown(m protoreflect.Message) (path string) {
	if u := m.GetUnknown(); len(u) > 0 {
		n, _, _ := protowire.ConsumeTag(u)
		return fmt.Sprintf("%s#%d", m.Descriptor().FullName(), n)
	}
	inside := func(f protoreflect.FieldDescriptor, v protoreflect.Value) {
		if path == "" && f.Message() != nil {
			path = unknown(v.Message())
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList():
			for i := range v.List().Len() {
				inside(f, v.List().Get(i))
			}
		case f.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				inside(f.MapValue(), v)
				return true
			})
		default:
			inside(f, v)
		}
		return path == ""
	})
	return path
}

// TestNoSampleIsOfAMessageThatIsGone: a message that was ever stored or sent must stay.
func TestNoSampleIsOfAMessageThatIsGone(t *testing.T) {
	t.Parallel()
	all := messages(t)
	files, err := os.ReadDir(corpus)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(f.Name(), filepath.Ext(f.Name())); all[name] == nil {
			t.Errorf("%s is a sample of a message that the code does not have", f.Name())
		}
	}
}

// TestMessageOfANewerVersionSurvives: during a rollout old code reads what new code wrote, and may write it again.
func TestMessageOfANewerVersionSurvives(t *testing.T) {
	t.Parallel()
	for name, typ := range messages(t) {
		older := typ.New()
		fill(older, 1)
		newer, err := proto.Marshal(older.Interface())
		if err != nil {
			t.Fatal(err)
		}
		newer = protowire.AppendTag(newer, 1000, protowire.BytesType)
		newer = protowire.AppendString(newer, "from the future")
		newer = protowire.AppendTag(newer, 1001, protowire.VarintType)
		newer = protowire.AppendVarint(newer, 42)
		got := typ.New().Interface()
		if err := proto.Unmarshal(newer, got); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := proto.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		readAgain := typ.New().Interface()
		if err := proto.Unmarshal(again, readAgain); err != nil || !proto.Equal(got, readAgain) || !strings.Contains(string(again), "from the future") {
			t.Errorf("%s: written again it is %x (error %v)", name, again, err)
		}
		got.ProtoReflect().SetUnknown(nil)
		if diff := cmp.Diff(older.Interface(), got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: the known part is read differently:\n%s", name, diff)
		}
	}
}

// topicID is what Pub/Sub takes (https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names).
var topicID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$`)

func TestEventsSayWhichWhereAndWhen(t *testing.T) {
	t.Parallel()
	want := map[protoreflect.Name]string{"seq": "2 int64", "event_time": "3 google.protobuf.Timestamp"}
	all := eventv1.File_orderflow_event_v1_events_proto.Messages()
	for i := range all.Len() {
		m := all.Get(i)
		if id := m.Fields().ByNumber(1); id == nil || id.Kind() != protoreflect.StringKind || id.Name() != "order_id" && id.Name() != "import_id" {
			t.Errorf("%s does not say first which order or import it is about", m.FullName())
		}
		for name, form := range want {
			f := m.Fields().ByName(name)
			if f == nil {
				t.Errorf("%s has no field %s", m.FullName(), name)
				continue
			}
			kind := f.Kind().String()
			if f.Message() != nil {
				kind = string(f.Message().FullName())
			}
			if got := fmt.Sprintf("%d %s", f.Number(), kind); got != form {
				t.Errorf("%s.%s is %s, want %s as in every event", m.FullName(), name, got, form)
			}
		}
		if id := string(m.FullName()); !topicID.MatchString(id) || strings.HasPrefix(id, "goog") {
			t.Errorf("%s is no legal topic id", id)
		}
	}
}

package archive_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
	"pgregory.net/rapid"

	"orderflow.dev/internal/archive"
)

// records draws what Pub/Sub may have archived.
var records = rapid.SliceOf(rapid.Custom(func(t *rapid.T) archive.Record {
	return archive.Record{
		Subscription: rapid.String().Draw(t, "subscription"), MessageID: rapid.String().Draw(t, "id"),
		PublishTime: time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "micros")).UTC(),
		Attributes:  rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "attributes"), Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
	}
}))

func decode(file []byte) (got []archive.Record, err error) {
	err = archive.Decode(bytes.NewReader(file), func(r archive.Record) error {
		got = append(got, r)
		return nil
	})
	return got, err
}

func TestWhatIsArchivedIsReadAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := records.Draw(t, "records")
		file, err := archive.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(file)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("error %v, records (-want +got):\n%s", err, diff)
		}
	})
}

// pubsub is the schema as Google's page on Cloud Storage subscriptions has it.
const pubsub = `{"type": "record", "namespace": "com.google.pubsub", "name": "PubsubMessageWithMetadata", "fields": [
	{"name": "subscription_name", "type": "string"}, {"name": "message_id", "type": "string"},
	{"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
	{"name": "attributes", "type": {"type": "map", "values": "string"}}, {"name": "data", "type": "bytes"}]}`

// TestFilesAreThoseOfPubSub holds the schema that files bear against Google's, field by field.
func TestFilesAreThoseOfPubSub(t *testing.T) {
	t.Parallel()
	file, err := archive.Encode([]archive.Record{{MessageID: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Schema().Canonical()), string(avro.MustParse(pubsub).Canonical()); got != want {
		t.Errorf("schema\n%s\nwant\n%s", got, want)
	}
}

// written is a file that somebody else wrote, in any way that Avro knows.
func written(t *testing.T, schema string, value any, opts ...ocf.WriterOpt) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := ocf.NewWriter(&file, avro.MustParse(schema), opts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Encode(value), w.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestFilesOfAnyCodecAreRead(t *testing.T) {
	t.Parallel()
	want := archive.Record{MessageID: "7", Attributes: map[string]string{"ce-id": "orders/o/1"}, Data: []byte{1, 2}, PublishTime: time.UnixMicro(1_800_000_000_000_001).UTC()}
	for name, codec := range map[string]ocf.Codec{"deflate": ocf.DeflateCodec(6), "snappy": ocf.SnappyCodec()} {
		got, err := decode(written(t, pubsub, &want, ocf.WithCodec(codec)))
		if diff := cmp.Diff([]archive.Record{want}, got); err != nil || diff != "" {
			t.Errorf("%s: error %v, record (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestWhatIsNoArchiveFileIsSaid(t *testing.T) {
	t.Parallel()
	whole, err := archive.Encode([]archive.Record{{MessageID: "1", Data: bytes.Repeat([]byte("x"), 100)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":               {nil, "no Avro file"},
		"text":                  {[]byte("no,avro\n"), "no Avro file"},
		"without its metadata":  {written(t, `{"type": "record", "name": "PubsubMessage", "fields": [{"name": "data", "type": "bytes"}]}`, map[string]any{"data": []byte{1}}), "no Avro file of Pub/Sub's messages"},
		"broken off":            {whole[:len(whole)-20], "record 1 of the file cannot be read"},
		"with a byte that fell": {append(bytes.Clone(whole[:len(whole)-30]), whole[len(whole)-29:]...), "cannot be read"},
	} {
		if _, err := decode(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole, err := archive.Encode([]archive.Record{{MessageID: "1", Attributes: map[string]string{"a": "b"}, Data: []byte("x")}, {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:40])
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := decode(file)
		if err != nil {
			return
		}
		again, err := archive.Encode(got)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if n, err := decode(again); err != nil || len(n) != len(got) {
			t.Fatalf("%d of %d records, error %v", len(n), len(got), err)
		}
	})
}

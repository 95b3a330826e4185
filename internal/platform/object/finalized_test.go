package object_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
)

const eventBody = `{"kind":"storage#object","id":"b/in/o.csv/5","bucket":"b","name":"in/o.csv","generation":"5","metageneration":"1",
	"size":"7","contentType":"text/csv","contentEncoding":"gzip","metadata":{"k":"v"},"timeCreated":"2026-01-02T03:04:05.678Z","md5Hash":"x"}`

func TestFinalized(t *testing.T) {
	t.Parallel()
	event := func(kind, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("ce-type", kind)
		return r
	}
	got, err := object.Finalized(event(object.FinalizedType, eventBody))
	want := object.Object{
		Bucket: "b", Name: "in/o.csv", Generation: 5, Size: 7, ContentType: "text/csv", ContentEncoding: "gzip",
		Metadata: map[string]string{"k": "v"}, Created: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, object (-want +got):\n%s", err, diff)
	}
	for name, r := range map[string]*http.Request{
		"another type":     event("google.cloud.storage.object.v1.deleted", eventBody),
		"no JSON":          event(object.FinalizedType, "x"),
		"too large":        event(object.FinalizedType, `{"name":"`+strings.Repeat("x", 1<<20)+`"}`),
		"no object":        event(object.FinalizedType, "{}"),
		"no generation":    event(object.FinalizedType, strings.Replace(eventBody, `"5"`, `"0"`, 1)),
		"a bad generation": event(object.FinalizedType, strings.Replace(eventBody, `"5"`, `"five"`, 1)),
		"no name":          event(object.FinalizedType, strings.Replace(eventBody, "in/o.csv", "", 2)),
	} {
		if _, err := object.Finalized(r); !fault.Permanent(err) || fault.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := event(object.FinalizedType, "")
	broken.Body = io.NopCloser(io.MultiReader(strings.NewReader("{"), brokenReader{}))
	_, err = object.Finalized(broken)
	if fault.Code(err) != codes.Unavailable {
		t.Errorf("a body that breaks off: %v", err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

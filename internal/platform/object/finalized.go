package object

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// FinalizedType is the type of the event that an object was created, or another content took its place.
const FinalizedType = "google.cloud.storage.object.v1.finalized"

// maxEvent is far above an event's size, which its 1 KiB of name and 8 KiB of metadata bound. In bytes.
const maxEvent = 256 << 10

// Finalized reads the event that Eventarc delivers (a CloudEvent in HTTP's binary mode, of google.events.cloud.storage.v1
// StorageObjectData as JSON). The object may have been replaced or deleted by then, and the same event may come again.
// Errors: InvalidArgument, which no redelivery changes; Unavailable if the body broke off.
func Finalized(r *http.Request) (Object, error) {
	if got := r.Header.Get("ce-type"); got != FinalizedType {
		return Object{}, fault.New(codes.InvalidArgument, "unknown_event", "the event is of type %q, want %s", got, FinalizedType)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
	if err != nil {
		return Object{}, fault.Wrap(err, codes.Unavailable, "", "the event broke off")
	}
	var data struct {
		Bucket          string            `json:"bucket"`
		Name            string            `json:"name"`
		Generation      int64             `json:"generation,string"`
		Size            int64             `json:"size,string"`
		ContentType     string            `json:"contentType"`
		ContentEncoding string            `json:"contentEncoding"`
		Metadata        map[string]string `json:"metadata"`
		TimeCreated     time.Time         `json:"timeCreated"`
	}
	if err := json.Unmarshal(body, &data); err != nil {
		return Object{}, fault.Wrap(err, codes.InvalidArgument, "malformed_event", "the event's data is no object of Cloud Storage")
	}
	if data.Bucket == "" || data.Name == "" || data.Generation <= 0 {
		return Object{}, fault.New(codes.InvalidArgument, "malformed_event", "the event names no bucket, object or generation")
	}
	return Object{
		Bucket: data.Bucket, Name: data.Name, Generation: data.Generation, Size: data.Size, ContentType: data.ContentType,
		ContentEncoding: data.ContentEncoding, Metadata: data.Metadata, Created: data.TimeCreated,
	}, nil
}

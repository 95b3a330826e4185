// Package archive is the files in which every published event is kept: Avro object container files in a bucket of
// their own, as a Cloud Storage subscription of Pub/Sub writes them
// (https://cloud.google.com/pubsub/docs/create-cloudstorage-subscription). A file of it can be read by whatever reads
// Avro; Selection is what of it is worth to be published again.
package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"orderflow.dev/internal/platform/event"
)

// Bucket is the bucket's name behind that of the project: unit.BucketName.
const Bucket = "archive"

// ContentType is that of the files.
const ContentType = "application/octet-stream"

// Record is a message as it was published.
type Record struct {
	Subscription string            `avro:"subscription_name"` // projects/…/subscriptions/archive.OrderCreated
	MessageID    string            `avro:"message_id"`
	PublishTime  time.Time         `avro:"publish_time"` // to the microsecond
	Attributes   map[string]string `avro:"attributes"`
	Data         []byte            `avro:"data"`
}

// Message is what a subscriber of the topic was given.
func (r Record) Message() event.Message { return event.Message{Attributes: r.Attributes, Data: r.Data} }

// schema is Pub/Sub's own of a message with its metadata.
var schema = avro.MustParse(`{
  "type": "record",
  "namespace": "com.google.pubsub",
  "name": "PubsubMessageWithMetadata",
  "fields": [
    {"name": "subscription_name", "type": "string"},
    {"name": "message_id", "type": "string"},
    {"name": "publish_time", "type": {"type": "long", "logicalType": "timestamp-micros"}},
    {"name": "attributes", "type": {"type": "map", "values": "string"}},
    {"name": "data", "type": "bytes"}
  ]
}`)

// Encode makes a file of records.
func Encode(records []Record) ([]byte, error) {
	var file bytes.Buffer
	w, err := ocf.NewWriter(&file, schema)
	if err != nil {
		return nil, fmt.Errorf("begin an archive file: %w", err)
	}
	for _, r := range records {
		if r.Attributes == nil {
			r.Attributes = map[string]string{}
		}
		if err := w.Encode(&r); err != nil {
			return nil, fmt.Errorf("archive message %s: %w", r.MessageID, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end an archive file: %w", err)
	}
	return file.Bytes(), nil
}

// Decode calls f with every record of a file, in its order. The error says what is wrong with the file, or is f's.
func Decode(file io.Reader, f func(Record) error) error {
	r, err := ocf.NewReader(file, ocf.WithReaderSchema(schema))
	if err != nil {
		return fmt.Errorf("no Avro file of Pub/Sub's messages: %w", err)
	}
	defer r.Close()
	for n := 1; ; n++ {
		var record Record
		switch err := r.Decode(&record); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("record %d of the file cannot be read: %w", n, err)
		}
		if err := f(record); err != nil {
			return err
		}
	}
}

package pubsub

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The limits of a publish request (https://cloud.google.com/pubsub/quotas#resource_limits).
const (
	maxPublishMessages = 1000
	maxPublishBytes    = 10 << 20
	maxDataBytes       = 10_000_000
	maxAttributes      = 100
	maxKeyBytes        = 256
	maxValueBytes      = 1024
	maxOrderingBytes   = 1024
	maxAckBytes        = 512 << 10 // of a request to acknowledge
	maxLabels          = 64
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// unsupported is an error if something is asked for that is not done here.
func unsupported(of string, asked map[string]bool) error {
	for _, what := range slices.Sorted(maps.Keys(asked)) {
		if asked[what] {
			return status.Errorf(codes.Unimplemented, "%s of %s is not implemented by this local Pub/Sub; leave it out", what,
				of)
		}
	}
	return nil
}

var (
	project = regexp.MustCompile(`^projects/[^/]+$`)
	// idPattern is of https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names.
	idPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}$`)
)

// checkName says whether a name is projects/{project}/{collection}/{id}.
func checkName(collection, name string) error {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[1] == "" || parts[2] != collection {
		return invalid("name %q: want projects/{project}/%s/{id}", name, collection)
	}
	return checkID(parts[3])
}

func checkID(text string) error {
	if !idPattern.MatchString(text) || strings.HasPrefix(text, "goog") {
		return invalid("id %q: want 3 to 255 letters, digits and -_.~+%%, beginning with a letter and not with goog", text)
	}
	return nil
}

func checkProject(name string) error {
	if !project.MatchString(name) {
		return invalid("project %q: want projects/{project}", name)
	}
	return nil
}

var (
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

// checkLabels knows the rules of https://cloud.google.com/pubsub/docs/labels.
func checkLabels(labels map[string]string) error {
	if len(labels) > maxLabels {
		return invalid("%d labels, at most %d are taken", len(labels), maxLabels)
	}
	for k, v := range labels {
		if !labelKey.MatchString(k) || !labelValue.MatchString(v) {
			return invalid("label %q = %q: want 63 lowercase letters, digits, _ and - at most; a key begins with a letter", k, v)
		}
	}
	return nil
}

func checkRetention(d *durationpb.Duration) error {
	if d != nil && (!d.IsValid() || d.AsDuration() < minKept || d.AsDuration() > maxKept) {
		return invalid("message_retention_duration is %s, want 10 minutes to 31 days", d.AsDuration())
	}
	return nil
}

// checkTopic is given what is configured, without what only the server sets.
func checkTopic(c *pubsubpb.Topic) error {
	asked := map[string]bool{
		"message_storage_policy":         c.GetMessageStoragePolicy() != nil,
		"kms_key_name":                   c.GetKmsKeyName() != "",
		"ingestion_data_source_settings": c.GetIngestionDataSourceSettings() != nil,
		"message_transforms":             len(c.GetMessageTransforms()) > 0,
		"tags":                           len(c.GetTags()) > 0,
	}
	if err := unsupported("a topic", asked); err != nil {
		return err
	}
	if err := checkLabels(c.GetLabels()); err != nil {
		return err
	}
	return checkRetention(c.GetMessageRetentionDuration())
}

func checkPublish(req *pubsubpb.PublishRequest) error {
	messages := req.GetMessages()
	switch size := proto.Size(req); {
	case len(messages) == 0:
		return invalid("publish to %s: no messages", req.GetTopic())
	case len(messages) > maxPublishMessages:
		return invalid("publish to %s: %d messages, at most %d are taken", req.GetTopic(), len(messages), maxPublishMessages)
	case size > maxPublishBytes:
		return invalid("publish to %s: the request has %d bytes, at most %d are taken", req.GetTopic(), size, maxPublishBytes)
	}
	for i, m := range messages {
		if err := checkMessage(m); err != nil {
			return invalid("publish to %s: message %d: %v", req.GetTopic(), i, status.Convert(err).Message())
		}
		if m.GetOrderingKey() != messages[0].GetOrderingKey() {
			return invalid("publish to %s: message %d has another ordering key than the first", req.GetTopic(), i)
		}
	}
	return nil
}

func checkMessage(m *pubsubpb.PubsubMessage) error {
	switch {
	case len(m.GetData()) == 0 && len(m.GetAttributes()) == 0:
		return invalid("neither data nor attributes")
	case len(m.GetData()) > maxDataBytes:
		return invalid("%d bytes of data, at most %d are taken", len(m.GetData()), maxDataBytes)
	case len(m.GetOrderingKey()) > maxOrderingBytes:
		return invalid("the ordering key has %d bytes, at most %d are taken", len(m.GetOrderingKey()), maxOrderingBytes)
	case len(m.GetAttributes()) > maxAttributes:
		return invalid("%d attributes, at most %d are taken", len(m.GetAttributes()), maxAttributes)
	}
	for k, v := range m.GetAttributes() {
		if err := checkAttribute(k, v); err != nil {
			return err
		}
	}
	return nil
}

func checkAttribute(key, value string) error {
	switch {
	case key == "":
		return invalid("an attribute without a name")
	case strings.HasPrefix(key, "goog") && !strings.HasPrefix(key, "googclient_"):
		return invalid("attribute %q: names that begin with goog are Google's", key)
	case len(key) > maxKeyBytes || len(value) > maxValueBytes:
		return invalid("attribute %.40q: its name has %d bytes and its value %d, at most %d and %d are taken",
			key, len(key), len(value), maxKeyBytes, maxValueBytes)
	}
	return nil
}

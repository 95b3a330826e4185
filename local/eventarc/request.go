package eventarc

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"golang.org/x/net/http/httpguts"
)

// newRequest puts a message into the request a push subscription with unwrapping
// and metadata makes of it.
func newRequest(ctx context.Context, s Subscription, name string, m *pubsub.Message) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, bytes.NewReader(m.Data))
	if err != nil {
		return nil, fmt.Errorf("deliver to %q: %w", s.Endpoint, err)
	}
	setAttributes(req, m.Attributes)
	metadata := map[string]string{
		"X-Goog-Pubsub-Message-Id":        m.ID,
		"X-Goog-Pubsub-Publish-Time":      m.PublishTime.UTC().Format(time.RFC3339Nano),
		"X-Goog-Pubsub-Subscription-Name": name,
		"X-Goog-Pubsub-Ordering-Key":      m.OrderingKey,
	}
	if attempt := attemptOf(m); attempt > 0 {
		metadata["X-Goog-Pubsub-Delivery-Attempt"] = strconv.Itoa(attempt)
	}
	maps.DeleteFunc(metadata, func(_, v string) bool { return v == "" })
	setAttributes(req, metadata)
	return req, nil
}

func setAttributes(req *http.Request, attributes map[string]string) {
	for k, v := range attributes {
		if deliverable(k, v) {
			req.Header.Set(k, v)
		}
	}
}

// connectionHeaders belong to the connection or the framing and cannot come from
// a message.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Host": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// deliverable drops what HTTP cannot carry: one such attribute would otherwise
// fail every delivery of its message.
func deliverable(name, value string) bool {
	return httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) &&
		!connectionHeaders[http.CanonicalHeaderKey(name)]
}

// attemptOf is 0 if the server does not count, which it does only for
// subscriptions with a dead-letter topic.
func attemptOf(m *pubsub.Message) int {
	if m.DeliveryAttempt == nil {
		return 0
	}
	return *m.DeliveryAttempt
}

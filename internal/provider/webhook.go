package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
)

// MaxWebhook is the largest webhook taken, in bytes.
const MaxWebhook = 64 << 10

// tolerance is how far a webhook's time may be from ours: an older one is a replay.
const tolerance = 300 * time.Second

// WebhookConfig holds the secrets that sign webhooks: two may be live, so that one can be replaced without a gap.
type WebhookConfig struct {
	Secrets []string `env:"PAYMENT_WEBHOOK_SECRETS, required"` // comma-separated
}

// Read verifies a webhook, HMAC-SHA256 over "<t>.<raw body>" in the header X-Provider-Signature (t=<unix seconds>,
// v1=<hex>), and answers the outcome it tells.
func (c WebhookConfig) Read(r *http.Request, now time.Time) (payment.Outcome, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil && fault.Reason(err) == "" {
		err = fault.Wrap(err, codes.InvalidArgument, "body_too_large", "the webhook could not be read")
	}
	if err != nil {
		return payment.Outcome{}, err
	}
	if err := c.verify(r.Header.Get("X-Provider-Signature"), body, now); err != nil {
		return payment.Outcome{}, err
	}
	var event struct {
		Type           string `json:"type"`
		IdempotencyKey string `json:"idempotency_key"`
		ChargeID       string `json:"charge_id"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return payment.Outcome{}, fault.Wrap(err, codes.InvalidArgument, "invalid_json", "the webhook is not JSON")
	}
	return payment.Outcome{
		OrderID: event.IdempotencyKey,
		Charge:  payment.Charge{ID: event.ChargeID, Status: payment.ChargeStatus(strings.TrimPrefix(event.Type, "charge."))},
	}, nil
}

func (c WebhookConfig) verify(header string, body []byte, now time.Time) error {
	refuse := func(why string) error {
		return fault.New(codes.Unauthenticated, "bad_signature", "the webhook's signature is refused: %s", why)
	}
	at, signatures := parseSignature(header)
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || len(signatures) == 0 {
		return refuse("the header X-Provider-Signature must be t=<unix seconds>,v1=<hex>")
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return refuse("its time is too far from ours")
	}
	for _, secret := range c.Secrets {
		secret = strings.TrimSpace(secret) // secret managers like to end with a line break
		if secret == "" {
			continue // what anybody can sign with
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(at + "."))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, s := range signatures {
			if hmac.Equal(s, want) {
				return nil
			}
		}
	}
	return refuse("no live secret made it")
}

func parseSignature(header string) (at string, signatures [][]byte) {
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "t":
			at = v
		case "v1":
			if s, err := hex.DecodeString(v); err == nil && len(signatures) < 4 {
				signatures = append(signatures, s)
			}
		}
	}
	return at, signatures
}

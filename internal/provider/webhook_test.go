package provider_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/payment"
	"orderflow.dev/internal/provider"
	"orderflow.dev/local/psp"
)

var (
	now  = time.Unix(1_700_000_000, 0)
	body = []byte(`{"type":"charge.approved","idempotency_key":"o1","charge_id":"c1","amount":500}`)
	live = provider.WebhookConfig{Secrets: []string{"old", "new"}}
)

func signature(secret string, at time.Time, body []byte) string {
	return psp.Sign([]byte(secret), at, body)
}

func deliver(c provider.WebhookConfig, header string, body []byte) (payment.Outcome, error) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Body = http.MaxBytesReader(w, r.Body, provider.MaxWebhook)
	if header != "" {
		r.Header.Set("X-Provider-Signature", header)
	}
	return c.Read(r, now)
}

func v1(header string) string { return header[strings.Index(header, "v1="):] }

func TestSignature(t *testing.T) {
	t.Parallel()
	good := signature("new", now, body)
	forged := signature("guess", now, body)
	at := fmt.Sprintf("t=%d,", now.Unix())
	for name, c := range map[string]struct {
		config provider.WebhookConfig
		header string
		ok     bool
	}{
		"the new secret":                    {live, good, true},
		"the old secret":                    {live, signature("old", now, body), true},
		"a secret beside an empty one":      {provider.WebhookConfig{Secrets: []string{"", "new"}}, good, true},
		"several signatures, one good":      {live, at + v1(forged) + "," + v1(good), true},
		"parts in another order":            {live, v1(good) + "," + strings.TrimSuffix(at, ","), true},
		"a scheme of the future beside":     {live, good + ",v2=abc", true},
		"space after the comma":             {live, strings.Replace(good, ",", ", ", 1), true},
		"five minutes old":                  {live, signature("new", now.Add(-300*time.Second), body), true},
		"five minutes ahead":                {live, signature("new", now.Add(300*time.Second), body), true},
		"older than five minutes":           {live, signature("new", now.Add(-301*time.Second), body), false},
		"further ahead than five minutes":   {live, signature("new", now.Add(301*time.Second), body), false},
		"forged":                            {live, forged, false},
		"of another body":                   {live, signature("new", now, []byte("{}")), false},
		"of another time":                   {live, "t=" + fmt.Sprint(now.Unix()+1) + "," + v1(good), false},
		"of the empty secret":               {provider.WebhookConfig{Secrets: []string{""}}, signature("", now, body), false},
		"of the empty secret, two empty":    {provider.WebhookConfig{Secrets: []string{"", ""}}, signature("", now, body), false},
		"no secrets":                        {provider.WebhookConfig{}, signature("", now, body), false},
		"no header":                         {live, "", false},
		"no time":                           {live, v1(good), false},
		"no signature":                      {live, at, false},
		"time a word":                       {live, "t=now," + v1(good), false},
		"time of nothing":                   {live, "t=," + v1(good), false},
		"time over an int64":                {live, "t=99999999999999999999," + v1(good), false},
		"time at the end of an int64":       {live, "t=9223372036854775807," + v1(good), false},
		"time at the beginning of an int64": {live, "t=-9223372036854775808," + v1(good), false},
		"signature no hex":                  {live, at + "v1=zz", false},
		"signature empty":                   {live, at + "v1=", false},
		"signature cut":                     {live, good[:len(good)-2], false},
		"signature with more":               {live, good + "00", false},
		"upper-case hex":                    {live, at + "v1=" + strings.ToUpper(v1(good)[3:]), true},
		"garbage":                           {live, "====,,,,t", false},
		"a flood of signatures":             {live, at + strings.Repeat("v1="+strings.Repeat("00", 32)+",", 1000) + v1(good), false},
	} {
		_, err := deliver(c.config, c.header, body)
		if c.ok && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !c.ok && (fault.Code(err) != codes.Unauthenticated || fault.Reason(err) != "bad_signature") {
			t.Errorf("%s: error %v, want it refused", name, err)
		}
	}
}

func TestWebhookTellsTheOutcome(t *testing.T) {
	t.Parallel()
	got, err := deliver(live, signature("new", now, body), body)
	want := payment.Outcome{OrderID: "o1", Charge: payment.Charge{ID: "c1", Status: payment.ChargeApproved}}
	if err != nil || got != want {
		t.Errorf("outcome %+v, error %v, want %+v", got, err, want)
	}
}

func TestWebhookThatIsSignedAndYetNoWebhook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   []byte
		reason string
	}{
		"no JSON":  {[]byte("{"), "invalid_json"},
		"nothing":  {nil, "invalid_json"},
		"a list":   {[]byte("[]"), "invalid_json"},
		"too huge": {make([]byte, provider.MaxWebhook+1), "body_too_large"},
	} {
		if _, err := deliver(live, signature("new", now, c.body), c.body); fault.Code(err) != codes.InvalidArgument || fault.Reason(err) != c.reason {
			t.Errorf("%s: error %v, want %s", name, err, c.reason)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("new", int64(0), body, "")
	f.Add("", int64(1000), []byte("{}"), "t=1,v1=00")
	f.Fuzz(func(t *testing.T, secret string, ago int64, body []byte, header string) {
		if _, err := deliver(live, header, body); err == nil {
			t.Fatalf("a header that nobody signed is taken: %q", header)
		}
		at := now.Add(-time.Duration(ago%10_000) * time.Second)
		_, err := deliver(live, signature(secret, at, body), body)
		secretKnown, fresh := secret == "old" || secret == "new", now.Sub(at).Abs() <= 300*time.Second
		if refused := fault.Code(err) == codes.Unauthenticated; refused == (secretKnown && fresh) && len(body) <= provider.MaxWebhook {
			t.Errorf("secret %q, %v from now: error %v", secret, now.Sub(at), err)
		}
	})
}

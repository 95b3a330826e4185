package psp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/psp"
)

type received struct {
	signature string
	body      []byte
}

// receiver accepts webhooks after it has refused the first ones.
func receiver(t *testing.T, refuse int) (string, <-chan received) {
	t.Helper()
	got := make(chan received, 10)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if len(got) < refuse {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		got <- received{r.Header.Get(psp.SignatureHeader), data}
	}))
	t.Cleanup(ts.Close)
	return ts.URL, got
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		psp.MethodPending:        psp.EventApproved,
		psp.MethodPendingDecline: psp.EventDeclined,
	}
	for method, want := range tests {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			url, got := receiver(t, 0)
			a := serve(t, psp.Options{WebhookURL: url})
			a.do(http.MethodPost, "/v1/charges", body("k", method))
			hook := <-got
			if diff := cmp.Diff(psp.Sign(secret, epoch, hook.body), hook.signature); diff != "" {
				t.Errorf("signature (-want +got):\n%s", diff)
			}
			var event psp.Event
			if err := json.Unmarshal(hook.body, &event); err != nil {
				t.Fatal(err)
			}
			c, err := a.l.Get("k")
			if err != nil {
				t.Fatal(err)
			}
			wantEvent := psp.Event{
				ID: event.ID, Type: want, IdempotencyKey: "k", ChargeID: c.ID,
				Amount: 1250, Currency: "EUR", Time: epoch,
			}
			if diff := cmp.Diff(wantEvent, event); diff != "" || !strings.HasPrefix(event.ID, "evt_") {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWebhookIsRetriedUnchanged(t *testing.T) {
	t.Parallel()
	url, got := receiver(t, 1)
	a := serve(t, psp.Options{})
	a.do(http.MethodPost, "/v1/charges", body("k", psp.MethodPending))
	await(t, "the charge settles without a URL", func() bool { c, _ := a.l.Get("k"); return c.Status == psp.Approved })
	a.srv.SetWebhookURL(url)
	first, second := <-got, <-got
	if !bytes.Equal(first.body, second.body) {
		t.Errorf("retry differs:\n%s\n%s", first.body, second.body)
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	// Computed with: printf '1767323045.{"a":1}' | openssl dgst -sha256 -hmac webhook-secret
	want := "t=" + strconv.FormatInt(epoch.Unix(), 10) + ",v1=308e36cabdc22e81184c2dedd8adabbea5ba646d0c67650b2d7ff19112c0a6ac"
	if diff := cmp.Diff(want, psp.Sign(secret, epoch, []byte(`{"a":1}`))); diff != "" {
		t.Errorf("Sign (-want +got):\n%s", diff)
	}
}

package cloudtest

import (
	"context"
	"net/http"
	"os"
	"time"

	"orderflow.dev/local/psp"
)

// Provider is a Preparation: it starts a payment provider and has functions and services pay there. Its ledger says what money
// moved. It sends no webhook while a test runs.
func Provider(ledger *psp.Ledger) Preparation {
	return func(ctx context.Context) error {
		const key = "key"
		server := psp.NewServer(psp.Options{Ledger: ledger, APIKey: key, WebhookDelay: time.Hour})
		context.AfterFunc(ctx, server.Close) // so that requests without an answer let go
		url, err := serve(ctx, func(string) (http.Handler, error) { return server.Handler(), nil })
		if err != nil {
			return err
		}
		os.Setenv("PAYMENT_PROVIDER_URL", url)
		os.Setenv("PAYMENT_PROVIDER_KEY", key)
		return nil
	}
}

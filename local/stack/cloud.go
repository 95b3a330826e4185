package stack

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"

	"orderflow.dev/internal/unit"
	"orderflow.dev/local/google"
	"orderflow.dev/local/oidc"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/storage"
)

// startCloud starts the stores. The choice between Google's emulators and others is made here and nowhere else:
// production code knows only the standard environment variables.
func (s *Stack) startCloud(ctx, run context.Context) error {
	emulators, err := google.Start(ctx, google.Options{
		Dir: filepath.Join(s.options.Dir, "emulators"), FirestoreHeap: s.options.FirestoreHeap, PubSubHeap: s.options.PubSubHeap,
	})
	if err != nil {
		return err
	}
	s.onStop(emulators.Stop)
	s.servers.Go(func() error {
		select {
		case err := <-emulators.Done():
			return err
		case <-run.Done():
			return nil
		}
	})
	s.Firestore, s.PubSub = emulators.FirestoreHost, emulators.PubSubHost
	return nil
}

// startStorage starts the buckets, and makes this process and those it starts use all stores.
func (s *Stack) startStorage(_, run context.Context) (err error) {
	o := storage.Options{Dir: filepath.Join(s.options.Dir, "storage")}
	for _, b := range unit.Buckets {
		o.Buckets = append(o.Buckets, unit.BucketName(Project, b))
	}
	for _, u := range s.units {
		if u.Trigger.Uploads {
			o.Triggers = append(o.Triggers, storage.Trigger{Name: u.Name, Bucket: unit.BucketName(Project, "uploads")})
		}
	}
	if s.objects, err = storage.Open(o); err != nil {
		return err
	}
	s.onStop(func() { s.objects.Close() })
	s.Storage, err = s.serve(run, 0, func(string) (http.Handler, error) { return s.objects.Handler(), nil })
	s.Endpoints.Use()
	return err
}

// startOutside starts what is not Google's: who issues customers' tokens, and who takes their money.
func (s *Stack) startOutside(_, run context.Context) (err error) {
	if s.Endpoints.Issuer, err = s.serve(run, 0, func(url string) (http.Handler, error) {
		s.Issuer, err = oidc.New(url, Audience)
		if err != nil {
			return nil, err
		}
		return s.Issuer.Handler(), nil
	}); err != nil {
		return err
	}
	secret := rand.Text()
	s.Ledger = psp.NewLedger(psp.LedgerOptions{})
	provider := psp.NewServer(psp.Options{Ledger: s.Ledger, APIKey: apiKey, WebhookSecret: []byte(secret), WebhookDelay: s.options.WebhookDelay})
	s.onStop(provider.Close)
	s.setWebhook = provider.SetWebhookURL
	if s.Provider, err = s.serve(run, 0, func(string) (http.Handler, error) { return provider.Handler(), nil }); err != nil {
		return err
	}
	setenv(map[string]string{
		"OIDC_ISSUER": s.Endpoints.Issuer, "OIDC_AUDIENCE": Audience,
		"PAYMENT_PROVIDER_URL": s.Provider, "PAYMENT_PROVIDER_KEY": apiKey,
		"PAYMENT_WEBHOOK_SECRETS": rand.Text() + "," + secret, // two live secrets, as while one is replaced
		"NOTIFICATIONS_DIR":       filepath.Join(s.options.Dir, "notifications"),
		"ORDER_EXPIRY":            duration(s.options.OrderExpiry), "SAGA_PATIENCE": duration(s.options.SagaPatience),
		"JOURNAL_GRACE": duration(s.options.JournalGrace), "PAYMENT_PROVIDER_TIMEOUT": duration(s.options.ProviderTimeout),
	})
	return nil
}

// setenv sets what functions read; an empty value leaves production's default.
func setenv(vars map[string]string) {
	for k, v := range vars {
		if v == "" {
			os.Unsetenv(k)
			continue
		}
		os.Setenv(k, v)
	}
}

package stack

import (
	"context"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"orderflow.dev/internal/archive"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/cloud"
	"orderflow.dev/local/oidc"
	"orderflow.dev/local/psp"
	"orderflow.dev/local/storage"
	"orderflow.dev/local/wal"
)

// startCloud starts the stores, which answer once what was kept is there again.
func (s *Stack) startCloud(ctx, run context.Context) (err error) {
	if s.options.Keep {
		if err := s.kept.read(s.options.Dir); err != nil {
			return err
		}
		if s.journal, err = wal.Open(filepath.Join(s.options.Dir, "cloud")); err != nil {
			return err
		}
		s.onStop(func() { s.journal.Close() })
	}
	s.stores, err = cloud.Start(ctx, cloud.Options{
		Emulators: s.options.Emulators, Log: s.journal, Dir: filepath.Join(s.options.Dir, "emulators"),
		FirestoreHeap: s.options.FirestoreHeap, PubSubHeap: s.options.PubSubHeap,
	})
	if err != nil {
		return err
	}
	s.onStop(s.stores.Stop)
	s.servers.Go(func() error {
		select {
		case err := <-s.stores.Done():
			return err
		case err := <-s.journal.Failed(): // the disk is full, perhaps: nothing would be kept any more
			return err
		case <-run.Done():
			return nil
		}
	})
	s.Firestore, s.PubSub = s.stores.Firestore, s.stores.PubSub
	return nil
}

// recover fills everything that lives in the journal with what was kept, and has the stores answer.
func (s *Stack) recover(context.Context, context.Context) error {
	s.newEngine()
	if err := s.journal.Recover(); err != nil {
		return err
	}
	s.stores.Serve()
	return nil
}

// startStorage starts the buckets, and makes this process and those it starts use all stores.
func (s *Stack) startStorage(_, run context.Context) (err error) {
	o := storage.Options{Dir: filepath.Join(s.options.Dir, "storage"), Durable: s.options.Keep}
	for _, b := range append(slices.Clone(unit.Buckets), archive.Bucket) {
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
	if s.Endpoints.Issuer, err = s.serve(run, s.kept.IssuerPort, func(url string) (http.Handler, error) {
		s.Issuer, err = oidc.New(url, Audience, s.keys()...)
		if err != nil {
			return nil, err
		}
		return s.Issuer.Handler(), nil
	}); err != nil {
		return err
	}
	if s.kept.WebhookSecret == "" {
		s.kept.WebhookSecret = rand.Text()
	}
	secret := s.kept.WebhookSecret
	s.Ledger = psp.NewLedger(psp.LedgerOptions{Log: s.journal, Now: s.providerClock()})
	provider := psp.NewServer(psp.Options{
		Ledger: s.Ledger, APIKey: apiKey, WebhookSecret: []byte(secret), WebhookDelay: s.options.WebhookDelay, Client: s.webhookClient(),
	})
	s.onStop(provider.Close)
	s.setWebhook = func(url string) {
		provider.SetWebhookURL(url)
		provider.Resume()
	}
	if s.Provider, err = s.serve(run, 0, func(string) (http.Handler, error) { return s.troubled(provider.Handler()), nil }); err != nil {
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
	if s.options.ImportPatience > 0 {
		os.Setenv("IMPORT_PATIENCE", duration(s.options.ImportPatience))
	}
	if s.options.ImportRate > 0 { // otherwise as whoever starts the stack has it
		os.Setenv("IMPORT_RATE", strconv.Itoa(s.options.ImportRate))
	}
	return nil
}

// keys keeps the issuer's, so that customers' tokens are good after a restart.
func (s *Stack) keys() []oidc.Option {
	if !s.options.Keep {
		return nil
	}
	return []oidc.Option{oidc.WithKeyFile(filepath.Join(s.options.Dir, "issuer.key"))}
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

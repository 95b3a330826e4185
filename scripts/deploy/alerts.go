package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/monitoring/v3"
	"google.golang.org/api/option"
)

// watchAlerts looks once a minute whether a severe alert fires: an objective whose budget burns fast, a unit that fails, orders
// or events that stand still (terraform/modules/observability). One that fired before the release began is not its fault.
func (d *deploy) watchAlerts(ctx context.Context, r *record) error {
	token, err := d.Output(ctx, "gcloud", "auth", "print-access-token", "--quiet")
	if err != nil {
		return err
	}
	fmt.Fprintf(d.Out, "  ask %sv3/projects/%s/alerts, for %s\n", monitoringURL(), d.project, d.watchFor)
	if d.Dry {
		return nil
	}
	authorized := &http.Client{Transport: accessToken(bytes.TrimSpace(token))}
	client, err := monitoring.NewService(ctx, option.WithEndpoint(monitoringURL()), option.WithHTTPClient(authorized))
	if err != nil {
		return err
	}
	for began := time.Now(); ; {
		firing, err := firing(ctx, client, d.project, r.Began)
		left := d.watchFor - time.Since(began)
		switch {
		case len(firing) > 0:
			return fmt.Errorf("since the release began these alerts fire: %s", strings.Join(firing, "; "))
		case left <= 0 && err != nil:
			return fmt.Errorf("nobody knows how it goes: %w", err)
		case left <= 0:
			return nil
		case err != nil:
			fmt.Fprintf(d.Out, "  %v; asking again\n", err)
		default:
			fmt.Fprintf(d.Out, "  no alert fires; watching for another %s\n", left.Round(time.Second))
		}
		select {
		case <-time.After(min(d.poll, left)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// accessToken goes along with each request.
type accessToken string

func (a accessToken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(a))
	return http.DefaultTransport.RoundTrip(r)
}

// monitoringURL may be set as gcloud's own is (gcloud topic configurations).
func monitoringURL() string {
	if u := os.Getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING"); u != "" {
		return u
	}
	return "https://monitoring.googleapis.com/"
}

// severe are the alerts that somebody has to look at today at least. What is left can wait, and so can going back.
var severe = []string{"CRITICAL", "ERROR"}

// firing are the severe alerts that opened since then and have not closed. The newest come first, so one page is enough.
func firing(ctx context.Context, client *monitoring.Service, project string, since time.Time) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	page, err := client.Projects.Alerts.List("projects/" + project).PageSize(1000).Context(ctx).Do()
	if err != nil {
		return nil, fmt.Errorf("ask Cloud Monitoring for alerts: %w", err)
	}
	var names []string
	for _, a := range page.Alerts {
		opened, err := time.Parse(time.RFC3339, a.OpenTime)
		if err != nil {
			return nil, fmt.Errorf("read the alert %s: %w", a.Name, err)
		}
		if a.State == "OPEN" && a.Policy != nil && slices.Contains(severe, a.Policy.Severity) && !opened.Before(since) {
			names = append(names, a.Policy.DisplayName)
		}
	}
	return names, nil
}

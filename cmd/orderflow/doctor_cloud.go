package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/option"
	htransport "google.golang.org/api/transport/http"

	"orderflow.dev/internal/diagnosis"
	"orderflow.dev/internal/unit"
)

// cloudLook looks at a project of Google Cloud, by the APIs that its consoles use.
type cloudLook struct {
	*look
	project, region string
	http            *http.Client
	base            string // of all APIs; empty: each its own
}

// cloudLookBase has tests ask a server of theirs.
var cloudLookBase string

func newCloudLook(ctx context.Context, l *look, f doctorFlags) (*cloudLook, error) {
	c := &cloudLook{look: l, project: f.project, region: f.region, http: http.DefaultClient, base: cloudLookBase}
	if c.base != "" {
		return c, nil
	}
	var err error
	c.http, _, err = htransport.NewClient(ctx, option.WithScopes("https://www.googleapis.com/auth/cloud-platform.read-only"))
	if err != nil {
		err = fmt.Errorf("find credentials (gcloud auth application-default login makes them): %w", err)
	}
	return c, err
}

func (c *cloudLook) steps() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"answers: units": c.revisions, "answers: workflows": c.workflow, "answers: storage": c.buckets, "sweeps": c.sweeps, "subscriptions": c.subscriptions, "instances": c.instances,
	}
}

// ask calls an API of Google's: GET, or POST if there is a question.
func (c *cloudLook) ask(ctx context.Context, api, path string, question, answer any) error {
	address := "https://" + api + ".googleapis.com" + path
	if c.base != "" {
		address = c.base + path
	}
	method, body := http.MethodGet, []byte(nil)
	if question != nil {
		method = http.MethodPost
		body, _ = json.Marshal(question) // a map of strings marshals
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return fmt.Errorf("ask %s for %s: %w", api, path, errNotFound)
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("ask %s: %s: %s", api, resp.Status, text)
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// errNotFound says that there is no such thing in the project.
var errNotFound = errors.New("there is no such thing: is it deployed, and is the region right?")

func (c *cloudLook) place() string { return "/projects/" + c.project + "/locations/" + c.region }

// revisions asks Cloud Run, where functions are, too, which revision of each serves, and whether the newest could start.
func (c *cloudLook) revisions(ctx context.Context) error {
	var answer struct {
		Services []struct {
			Name              string
			LatestReady       string `json:"latestReadyRevision"`
			LatestCreated     string `json:"latestCreatedRevision"`
			TerminalCondition struct{ State, Message string }
		}
	}
	if err := c.ask(ctx, "run", "/v2"+c.place()+"/services?pageSize=100", nil, &answer); err != nil {
		return err
	}
	deployed := map[string]diagnosis.Part{}
	for _, s := range answer.Services {
		p := diagnosis.Part{Name: path.Base(s.Name), Version: "revision " + path.Base(s.LatestReady)}
		if s.TerminalCondition.State != "CONDITION_SUCCEEDED" {
			p.Err = fmt.Errorf("revision %s is not ready: %s", path.Base(s.LatestCreated), s.TerminalCondition.Message)
		}
		deployed[p.Name] = p
	}
	c.see(func(s *diagnosis.Seen) {
		for _, u := range c.units {
			p, ok := deployed[u.Name]
			if !ok {
				p = diagnosis.Part{Name: u.Name, Err: fmt.Errorf("it is not deployed in %s", c.region)}
			}
			s.Parts = append(s.Parts, p)
		}
	})
	return nil
}

func (c *cloudLook) workflow(ctx context.Context) error {
	var answer struct{ State, RevisionID string }
	const name = "fulfil-order"
	err := c.ask(ctx, "workflows", "/v1"+c.place()+"/workflows/"+name, nil, &answer)
	if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	p := diagnosis.Part{Name: name, Version: "revision " + answer.RevisionID, Err: err}
	if err == nil && answer.State != "ACTIVE" {
		p.Err = fmt.Errorf("workflow %s is %s", name, answer.State)
	}
	c.see(func(s *diagnosis.Seen) { s.Parts = append(s.Parts, p) })
	return nil
}

// buckets asks Cloud Storage for each bucket. One that is not there is trouble, and not a look that failed.
func (c *cloudLook) buckets(ctx context.Context) error {
	for _, b := range unit.Buckets {
		name := unit.BucketName(c.project, b)
		var answer struct{ Location string }
		err := c.ask(ctx, "storage", "/storage/v1/b/"+name, nil, &answer)
		if err != nil && !errors.Is(err, errNotFound) {
			return err
		}
		c.see(func(s *diagnosis.Seen) {
			s.Parts = append(s.Parts, diagnosis.Part{Name: "bucket " + name, Version: "in " + answer.Location, Err: err})
		})
	}
	return nil
}

// sweeps asks Cloud Logging for the last line of each.
func (c *cloudLook) sweeps(ctx context.Context) error {
	runs := map[string]diagnosis.Run{}
	for _, name := range c.minutely() {
		var answer struct {
			Entries []struct {
				Timestamp   time.Time
				JSONPayload logLine `json:"jsonPayload"`
			}
		}
		err := c.ask(ctx, "logging", "/v2/entries:list", map[string]any{
			"resourceNames": []string{"projects/" + c.project}, "orderBy": "timestamp desc", "pageSize": 1,
			"filter": fmt.Sprintf(`jsonPayload.function="%s" jsonPayload.outcome:* timestamp>="%s"`, name, c.now.Add(-24*time.Hour).Format(time.RFC3339)),
		}, &answer)
		if err != nil {
			return err
		}
		runs[name] = diagnosis.Run{}
		for _, e := range answer.Entries {
			runs[name] = diagnosis.Run{At: e.Timestamp, Outcome: e.JSONPayload.Outcome, Counts: map[string]int{"throttled": e.JSONPayload.Throttled}}
		}
	}
	c.see(func(s *diagnosis.Seen) { s.Sweeps = runs })
	return nil
}

// series is the last point of each series of a metric, told with its resource's label.
func (c *cloudLook) series(ctx context.Context, metric, label string, each func(of string, value int)) error {
	query := url.Values{
		"filter":             {fmt.Sprintf("metric.type=%q", metric)},
		"interval.startTime": {c.now.Add(-10 * time.Minute).UTC().Format(time.RFC3339)},
		"interval.endTime":   {c.now.UTC().Format(time.RFC3339)},
	}
	for {
		var answer struct {
			TimeSeries []struct {
				Resource struct{ Labels map[string]string }
				Points   []struct{ Value struct{ Int64Value string } } // newest first
			}
			NextPageToken string
		}
		if err := c.ask(ctx, "monitoring", "/v3/projects/"+c.project+"/timeSeries?"+query.Encode(), nil, &answer); err != nil {
			return err
		}
		for _, s := range answer.TimeSeries {
			if len(s.Points) > 0 {
				n, _ := strconv.Atoi(s.Points[0].Value.Int64Value)
				each(s.Resource.Labels[label], n)
			}
		}
		if answer.NextPageToken == "" {
			return nil
		}
		query.Set("pageToken", answer.NextPageToken)
	}
}

func (c *cloudLook) subscriptions(ctx context.Context) error {
	found := []diagnosis.Subscription{}
	err := c.series(ctx, "pubsub.googleapis.com/subscription/oldest_unacked_message_age", "subscription_id", func(of string, seconds int) {
		if !strings.HasPrefix(of, "dead-letters") { // those wait for people, and have a check of their own
			found = append(found, diagnosis.Subscription{Name: of, Oldest: time.Duration(seconds) * time.Second})
		}
	})
	if err == nil {
		c.see(func(s *diagnosis.Seen) { s.Subscriptions = found })
	}
	return err
}

func (c *cloudLook) instances(ctx context.Context) error {
	used := map[string]int{}
	err := c.series(ctx, "run.googleapis.com/container/instance_count", "service_name", func(of string, n int) { used[of] += n })
	if err != nil {
		return err
	}
	c.see(func(s *diagnosis.Seen) {
		for i := range s.Limits {
			s.Limits[i].Used = used[s.Limits[i].Unit]
		}
	})
	return nil
}

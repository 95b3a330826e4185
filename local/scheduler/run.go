package scheduler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options configures Run. The zero value works.
type Options struct {
	// Every, if positive, is the pause between runs of each job, instead of the
	// cron lines.
	Every time.Duration
	// HTTP makes the requests; http.DefaultClient if nil.
	HTTP *http.Client
	// OnRun is told of every run that ended. Jobs call it concurrently.
	OnRun func(Result)
}

// Result is how one run ended.
type Result struct {
	Job string
	// Scheduled is when the run was due.
	Scheduled time.Time
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Err is nil if the status was 2xx.
	Err      error
	Duration time.Duration
}

// Run runs the jobs until ctx ends, which also gives up the runs under way; it
// returns when none is left. A job never runs twice at once: what falls due
// meanwhile is left out. Error: a job that is not valid.
func Run(ctx context.Context, jobs []Job, o Options) error {
	var errs []error
	for _, j := range jobs {
		errs = append(errs, j.validate())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	var wg sync.WaitGroup
	failed := make(chan error, len(jobs))
	for _, j := range jobs {
		wg.Go(func() { failed <- j.loop(ctx, o) })
	}
	wg.Wait()
	close(failed)
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// loop runs one job until ctx ends, or until its cron line has no further time.
func (j Job) loop(ctx context.Context, o Options) error {
	for {
		due, err := j.next(time.Now(), o.Every)
		if err != nil {
			return fmt.Errorf("job %q: %w", j.Name, err)
		}
		if !sleepUntil(ctx, due) {
			return nil
		}
		result := j.run(ctx, o.HTTP, due)
		if ctx.Err() == nil && o.OnRun != nil {
			o.OnRun(result)
		}
	}
}

// sleepUntil reports false if ctx ended before.
func sleepUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (j Job) run(ctx context.Context, client *http.Client, due time.Time) Result {
	timeout := j.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	status, err := j.post(ctx, client, due)
	return Result{Job: j.Name, Scheduled: due, Status: status, Err: err, Duration: time.Since(began)}
}

func (j Job) post(ctx context.Context, client *http.Client, due time.Time) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, j.URL, strings.NewReader("{}"))
	if err != nil {
		return 0, fmt.Errorf("job %q: %w", j.Name, err)
	}
	for name, value := range map[string]string{
		"Content-Type":                  "application/json",
		"User-Agent":                    "Google-Cloud-Scheduler",
		"X-CloudScheduler":              "true",
		"X-CloudScheduler-JobName":      j.Name,
		"X-CloudScheduler-ScheduleTime": due.UTC().Format(time.RFC3339),
	} {
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("job %q: %w", j.Name, err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // for the error only
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, fmt.Errorf("job %q: %s answered %s: %s", j.Name, j.URL, resp.Status, answer)
	}
	return resp.StatusCode, nil
}

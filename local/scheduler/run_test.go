package scheduler_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/scheduler"
)

// transport answers requests without a network, for tests in simulated time.
type transport func(*http.Request) (int, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{},
		Body: io.NopCloser(strings.NewReader("")), Request: r,
	}, nil
}

func TestRunPostsAsCloudSchedulerDoes(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan map[string]string, 1)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		h := map[string]string{"method": r.Method, "body": string(body)}
		for _, name := range []string{"Content-Type", "User-Agent", "X-CloudScheduler", "X-CloudScheduler-JobName"} {
			h[name] = r.Header.Get(name)
		}
		if _, err := time.Parse(time.RFC3339, r.Header.Get("X-CloudScheduler-ScheduleTime")); err != nil {
			t.Error(err)
		}
		select {
		case got <- h:
		default:
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer ts.Close()
	results := make(chan scheduler.Result, 1)
	done := make(chan error)
	go func() {
		done <- scheduler.Run(ctx, []scheduler.Job{{Name: "sweep", Cron: "0 0 1 1 *", URL: ts.URL}}, scheduler.Options{
			Every: time.Millisecond,
			OnRun: func(r scheduler.Result) {
				select {
				case results <- r:
				default:
				}
			},
		})
	}()
	want := map[string]string{
		"method": "POST", "body": "{}", "Content-Type": "application/json", "User-Agent": "Google-Cloud-Scheduler",
		"X-CloudScheduler": "true", "X-CloudScheduler-JobName": "sweep",
	}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if r := <-results; r.Job != "sweep" || r.Status != http.StatusAccepted || r.Err != nil {
		t.Errorf("result %+v", r)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

// TestCronLines lets half an hour pass in simulated time, from midnight UTC.
func TestCronLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Minute)
		defer cancel()
		jobs := []scheduler.Job{
			{Name: "ten", Cron: "*/10 * * * *", URL: "http://x"},
			{Name: "quarter", Cron: "15 0 * * *", URL: "http://x"},
			{Name: "late", Cron: "0 12 * * *", URL: "http://x"},
		}
		got := map[string][]string{}
		var results = make(chan scheduler.Result, 100)
		err := scheduler.Run(ctx, jobs, scheduler.Options{
			HTTP:  &http.Client{Transport: transport(func(*http.Request) (int, error) { return 200, nil })},
			OnRun: func(r scheduler.Result) { results <- r },
		})
		if err != nil {
			t.Fatal(err)
		}
		close(results)
		for r := range results {
			got[r.Job] = append(got[r.Job], r.Scheduled.Format(time.TimeOnly))
		}
		want := map[string][]string{
			"ten":     {"00:10:00", "00:20:00", "00:30:00"},
			"quarter": {"00:15:00"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// TestSlowJob has a job that takes longer than its interval: runs do not overlap,
// and another job is not held up.
func TestSlowJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Second)
		defer cancel()
		var active, slow, quick atomic.Int64
		handle := transport(func(r *http.Request) (int, error) {
			if r.URL.Host == "quick" {
				quick.Add(1)
				return 204, nil
			}
			if active.Add(1) > 1 {
				t.Error("two runs of one job at once")
			}
			time.Sleep(150 * time.Second)
			active.Add(-1)
			slow.Add(1)
			return 200, nil
		})
		err := scheduler.Run(ctx, []scheduler.Job{
			{Name: "slow", Cron: "* * * * *", URL: "http://slow"},
			{Name: "quick", Cron: "* * * * *", URL: "http://quick"},
		}, scheduler.Options{HTTP: &http.Client{Transport: handle}})
		if err != nil || slow.Load() != 4 || quick.Load() != 10 {
			t.Errorf("Run = %v, %d slow runs (want 4), %d quick ones (want 10)", err, slow.Load(), quick.Load())
		}
	})
}

func TestFailedRunsAreReported(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	tests := map[string]struct {
		answer transport
		status int
		want   string
	}{
		"status":     {func(*http.Request) (int, error) { return 503, nil }, 503, "answered Service Unavailable"},
		"redirect":   {func(*http.Request) (int, error) { return 304, nil }, 304, "answered Not Modified"},
		"connection": {func(*http.Request) (int, error) { return 0, refused }, 0, "refused"},
		"time-out": {func(r *http.Request) (int, error) {
			<-r.Context().Done()
			return 0, r.Context().Err()
		}, 0, "deadline exceeded"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				err := scheduler.Run(ctx, []scheduler.Job{{Name: "j", Cron: "* * * * *", URL: "http://x", Timeout: time.Second}}, scheduler.Options{
					HTTP: &http.Client{Transport: tt.answer},
					OnRun: func(r scheduler.Result) {
						if r.Status != tt.status || r.Err == nil || !strings.Contains(r.Err.Error(), tt.want) {
							t.Errorf("result %+v", r)
						}
						cancel()
					},
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestRunRefusesBadJobs(t *testing.T) {
	t.Parallel()
	tests := map[string]scheduler.Job{
		`job "six": cron line`:   {Name: "six", Cron: "* * * * * *", URL: "http://x"},
		`job "tag": cron line`:   {Name: "tag", Cron: "@hourly", URL: "http://x"},
		`job "range": cron line`: {Name: "range", Cron: "61 * * * *", URL: "http://x"},
		`job "never": cron line`: {Name: "never", Cron: "0 0 30 2 *", URL: "http://x"},
		`job "url": URL`:         {Name: "url", Cron: "* * * * *", URL: "x"},
		`job "": it needs`:       {Cron: "* * * * *", URL: "http://x"},
		`job "late": negative`:   {Name: "late", Cron: "* * * * *", URL: "http://x", Timeout: -1},
	}
	var jobs []scheduler.Job
	for _, j := range tests {
		jobs = append(jobs, j)
	}
	err := scheduler.Run(t.Context(), jobs, scheduler.Options{Every: time.Hour})
	if err == nil {
		t.Fatal("accepted")
	}
	for want := range tests {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

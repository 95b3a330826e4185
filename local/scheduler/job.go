// Package scheduler stands for Cloud Scheduler: it posts to URLs by cron lines.
package scheduler

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

// defaultTimeout is Cloud Scheduler's attempt deadline.
const defaultTimeout = 3 * time.Minute

// Job is one URL and when to post to it.
type Job struct {
	Name string
	// Cron has five fields and is read in UTC.
	Cron string
	// URL gets an empty JSON object. Any 2xx is a success.
	URL string
	// Timeout bounds one run; three minutes if zero.
	Timeout time.Duration
}

// validate checks the cron line even if it is overridden: production needs it.
func (j Job) validate() error {
	u, err := url.Parse(j.URL)
	switch {
	case err != nil:
	case j.Name == "":
		err = errors.New("it needs a name")
	case u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		err = fmt.Errorf("URL %q: want http(s)://…", j.URL)
	case j.Timeout < 0:
		err = errors.New("negative Timeout")
	case len(strings.Fields(j.Cron)) != 5 || !gronx.IsValid(j.Cron):
		err = fmt.Errorf("cron line %q: want five fields, for example \"*/5 * * * *\"", j.Cron)
	default:
		_, err = j.next(time.Now(), 0)
	}
	if err != nil {
		return fmt.Errorf("job %q: %w", j.Name, err)
	}
	return nil
}

// next is the first time after now at which the job is due.
func (j Job) next(now time.Time, every time.Duration) (time.Time, error) {
	if every > 0 {
		return now.Add(every), nil
	}
	t, err := gronx.NextTickAfter(j.Cron, now.UTC(), false)
	if err != nil {
		return t, fmt.Errorf("cron line %q: %w", j.Cron, err)
	}
	return t, nil
}

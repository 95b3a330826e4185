package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// firingAlert opened after any release that a test makes.
const firingAlert = `{"alerts": [{"state": "OPEN", "openTime": "2999-01-01T00:00:00Z", "policy": {"displayName": "Intake is failing: availability, fast", "severity": "CRITICAL"}}]}`

// monitoring is Cloud Monitoring, which answers what w.alert says.
func (w *world) monitoring() {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v3/projects/"+project+"/alerts" || r.Header.Get("Authorization") != "Bearer the-print-access-token" {
			w.Errorf("asked for %s as %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		if w.alert == "" {
			http.Error(rw, "out of order", http.StatusInternalServerError)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprint(rw, w.alert)
	}))
	w.Cleanup(s.Close)
	w.Setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING", s.URL+"/")
}

func TestOnlyAlertsOfTheReleaseCount(t *testing.T) {
	began := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name, alert string
		want        string
	}{
		{"none", `{}`, ""},
		{"fires", firingAlert, "Intake is failing"},
		{"fired before", strings.Replace(firingAlert, "2999-01-01", "2030-01-01", 1), ""},
		{"over", strings.Replace(firingAlert, "OPEN", "CLOSED", 1), ""},
		{"an error", strings.Replace(firingAlert, "CRITICAL", "ERROR", 1), "Intake is failing"},
		{"it can wait", strings.Replace(firingAlert, "CRITICAL", "WARNING", 1), ""},
		{"no answer at the end", "", "nobody knows how it goes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.alert = tt.alert
			d := &deploy{project: project, poll: time.Millisecond, watchFor: 5 * time.Millisecond}
			d.Out = &safe{}
			switch err := d.watchAlerts(t.Context(), &record{Began: began}); {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// takes is how long the unit at a URL may take, in seconds; infinity if there is none.
func takes(p *plan, address string) float64 {
	u, err := url.Parse(address)
	if err != nil {
		return math.Inf(1)
	}
	host, _, _ := strings.Cut(u.Host, ".")
	name := projectNumber.ReplaceAllString(host, "")
	if r := p.named(function, name); r != nil {
		return r.number("service_config.timeout_seconds")
	}
	if r := p.named(service, name); r != nil {
		return seconds(r.text("template.timeout"))
	}
	return math.Inf(1)
}

// projectNumber ends a unit's name in its URL.
var projectNumber = regexp.MustCompile(`-[0-9]+$`)

func seconds(s string) float64 {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return d.Seconds()
}

func waits(p *plan, address string, patience float64) string {
	if t := takes(p, address); address != "" && patience < t { // people fetch what is not pushed
		return fmt.Sprintf("waits %g s for %s, which may take %g s", patience, address, t)
	}
	return ""
}

func audience(address, audience string) string {
	u, err := url.Parse(address)
	if err != nil || audience == "" || audience != u.Scheme+"://"+u.Host {
		return fmt.Sprintf("calls %s with a token for %q", address, audience)
	}
	return ""
}

// backends are what the gateway calls.
func backends(r *resource) (out []backend, err error) {
	text, err := base64.StdEncoding.DecodeString(r.text("openapi_documents.document.contents"))
	if err != nil {
		return nil, err
	}
	var api struct {
		Paths map[string]map[string]struct {
			Backend backend `yaml:"x-google-backend"`
		}
	}
	if err := yaml.Unmarshal(text, &api); err != nil {
		return nil, err
	}
	for _, methods := range api.Paths {
		for _, o := range methods {
			out = append(out, o.Backend)
		}
	}
	return out, nil
}

type backend struct {
	Address  string
	Audience string `yaml:"jwt_audience"`
	Deadline float64
}

func gatewayWaits(p *plan, _ tree, r *resource) string {
	return eachBackend(r, func(b backend) string {
		if t := takes(p, b.Address); b.Deadline <= t {
			return fmt.Sprintf("waits %g s for %s, which may take %g s", b.Deadline, b.Address, t)
		}
		return ""
	})
}

func gatewayAudiences(_ *plan, _ tree, r *resource) string {
	return eachBackend(r, func(b backend) string { return audience(b.Address, b.Audience) })
}

func eachBackend(r *resource, check func(backend) string) string {
	all, err := backends(r)
	if err != nil || len(all) == 0 {
		return fmt.Sprintf("has no API that can be read (%v)", err)
	}
	var bad []string
	for _, b := range all {
		if complaint := check(b); complaint != "" {
			bad = append(bad, complaint)
		}
	}
	slices.Sort(bad)
	return strings.Join(bad, "; ")
}

// sagaCall is a call of a workflow with its time-out, as the steps here are written.
var sagaCall = regexp.MustCompile(`(?s)sys\.get_env\("([A-Z_]+)_URL"\)[^\n]*\n.*?timeout: ([0-9]+)\n`)

func sagaWaits(p *plan, _ tree, r *resource) string {
	calls := sagaCall.FindAllStringSubmatch(r.text("source_contents"), -1)
	if len(calls) == 0 {
		return "has no call with a time-out"
	}
	var bad []string
	for _, c := range calls {
		name := strings.ToLower(strings.ReplaceAll(c[1], "_", "-"))
		patience, _ := strconv.ParseFloat(c[2], 64)
		if t := takes(p, "https://"+name+"-1.x"); patience <= t {
			bad = append(bad, fmt.Sprintf("waits %g s for %s, which may take %g s", patience, name, t))
		}
	}
	return strings.Join(bad, "; ")
}

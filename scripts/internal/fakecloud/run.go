package fakecloud

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Service is a unit as Cloud Run has it.
type Service struct {
	Name    string
	Service bool   // a function otherwise: its newest revision takes all traffic
	Bundle  string // of the newest revision
	Number  int    // of the newest revision
	Traffic string // REVISION=100, or LATEST=100
	Tagged  string // revision that has the tag candidate
	Unready bool   // the newest revision does not start
}

// Revision is the name of a unit's revision.
func Revision(unit string, n int) string { return fmt.Sprintf("%s-%05d", unit, n) }

func (f *fake) service(name string) *Service {
	s := &Service{}
	if raw := f.read("services/" + name); raw != "" {
		if err := json.Unmarshal([]byte(raw), s); err != nil {
			panic(err)
		}
	}
	return s
}

func (f *fake) keep(s *Service) {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	f.write("services/"+s.Name, string(raw))
}

// Service is a deployed unit.
func (c *Cloud) Service(name string) *Service { return (&fake{dir: c.dir}).service(name) }

// Keep changes a deployed unit.
func (c *Cloud) Keep(s *Service) { (&fake{dir: c.dir}).keep(s) }

// listServices prints them as gcloud run services list --format=json does: Knative's form.
func (f *fake) listServices() error {
	entries, err := os.ReadDir(f.path("services"))
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	list := []any{}
	for _, e := range entries {
		s := f.service(e.Name())
		created := Revision(s.Name, s.Number)
		latest := created
		if s.Unready {
			latest = Revision(s.Name, s.Number-1)
		}
		var traffic []map[string]any
		for _, part := range strings.Split(s.Traffic, ",") {
			revision, percent, _ := strings.Cut(part, "=")
			n, err := strconv.Atoi(percent)
			if err != nil {
				return err
			}
			target := map[string]any{"revisionName": revision, "percent": n}
			if revision == "LATEST" {
				target["revisionName"], target["latestRevision"] = latest, true
			}
			traffic = append(traffic, target)
		}
		if s.Tagged != "" {
			traffic = append(traffic, map[string]any{"revisionName": s.Tagged, "tag": "candidate", "url": f.read("candidates")})
		}
		list = append(list, map[string]any{
			"metadata": map[string]any{"name": s.Name},
			"status": map[string]any{
				"url": "https://" + s.Name + ".run.app", "traffic": traffic,
				"latestCreatedRevisionName": created, "latestReadyRevisionName": latest,
			},
		})
	}
	return json.NewEncoder(os.Stdout).Encode(list)
}

func (f *fake) updateTraffic(name string) error {
	s := f.service(name)
	if s.Name == "" {
		return fmt.Errorf("there is no service %s", name)
	}
	if to, ok := f.flag("to-revisions"); ok {
		s.Traffic = to
	}
	if tag, ok := f.flag("update-tags"); ok {
		s.Tagged = strings.TrimPrefix(tag, "candidate=")
	}
	if _, ok := f.flag("remove-tags"); ok {
		s.Tagged = ""
	}
	f.keep(s)
	return nil
}

// terraform deploys bundles as the real one with the real providers does, and nothing else.
func (f *fake) terraform() error {
	chdir, args := strings.TrimPrefix(f.args[0], "-chdir="), f.args[1:]
	value := func(name string) string {
		for _, a := range args {
			if v, ok := strings.CutPrefix(a, "-"+name+"="); ok {
				return filepath.Join(chdir, v)
			}
		}
		return ""
	}
	last := filepath.Join(chdir, args[len(args)-1])
	switch args[0] {
	case "init":
		return nil
	case "plan":
		raw, err := os.ReadFile(value("var-file"))
		if err != nil {
			return err
		}
		fmt.Println("Plan: to deploy", strings.Join(strings.Fields(string(raw)), " "))
		return os.WriteFile(value("out"), raw, 0o600)
	case "show":
		if args[1] == "-json" {
			if fixture := f.read("plan.json"); fixture != "" {
				fmt.Println(fixture)
				return nil
			}
			fmt.Println(`{"format_version": "1.2", "resource_changes": []}`)
			return nil
		}
		raw, err := os.ReadFile(last)
		fmt.Printf("%s", raw)
		return err
	case "apply":
		return f.apply(last)
	case "output":
		fmt.Println(`"https://gateway.example"`)
		return nil
	}
	return fmt.Errorf("terraform %v is not known", args)
}

func (f *fake) apply(plan string) error {
	raw, err := os.ReadFile(plan)
	if err != nil {
		return err
	}
	var p struct{ Bundles map[string]string }
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	for name, bundle := range p.Bundles {
		if _, err := os.Stat(filepath.Join(filepath.Dir(plan), bundle)); err != nil {
			return err // Terraform uploads it
		}
		s := f.service(name)
		if s.Bundle == bundle {
			continue
		}
		s.Name, s.Bundle, s.Number = name, bundle, s.Number+1
		s.Unready = false
		s.Service = name == "inventory" || name == "payment"
		if !s.Service || s.Traffic == "" {
			s.Traffic = "LATEST=100"
		}
		f.keep(s)
	}
	return nil
}

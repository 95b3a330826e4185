//go:build ignore

// Connector_gen writes connectors.txt from the discovery documents that come with google.golang.org/api. The service
// generates its connectors from the same documents: a method's name is that of its connector.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// apis lists the versions that have connectors, as on the connectors reference page.
var apis = strings.Fields(`
	aiplatform/v1 batch/v1 bigquery/v2 bigquerydatatransfer/v1 cloudbuild/v1 cloudfunctions/v1 cloudfunctions/v2
	cloudresourcemanager/v3 cloudscheduler/v1 cloudtasks/v2 compute/v1 container/v1 dataflow/v1b3 documentai/v1
	firestore/v1 forms/v1 language/v1 logging/v2 ml/v1 pubsub/v1 run/v1 run/v2 secretmanager/v1 sheets/v4 spanner/v1
	sqladmin/v1 storage/v1 storagetransfer/v1 transcoder/v1 translate/v2 translate/v3 workflowexecutions/v1 workflows/v1`)

// regional names the argument that picks a regional host, by prefix of the connector.
var regional = map[string]string{"aiplatform.v1.": "region", "documentai.v1.": "location", "run.v1.namespaces.": "location"}

// waiting lists methods that wait for what they start although they answer no Operation.
var waiting = []string{
	"bigquery.v2.jobs.insert", "run.v1.namespaces.jobs.run", "workflowexecutions.v1.projects.locations.workflows.executions.create",
}

type resource struct {
	Methods   map[string]method
	Resources map[string]resource
}

type method struct {
	Path, HTTPMethod string
	Parameters       map[string]struct {
		Location string
		Required bool
	}
	Request, Response *struct {
		Ref string `json:"$ref"`
	}
	SupportsMediaUpload   bool
	SupportsMediaDownload bool
}

func main() {
	log.SetFlags(0)
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "google.golang.org/api").Output()
	if err != nil {
		log.Fatalf("find google.golang.org/api: %v", err)
	}
	var out bytes.Buffer
	for _, api := range apis {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), api, filepath.Dir(api)+"-api.json"))
		if err != nil {
			log.Fatal(err)
		}
		var doc struct {
			RootURL, ServicePath string
			resource
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			log.Fatalf("%s: %v", api, err)
		}
		name := strings.ReplaceAll(api, "/", ".")
		fmt.Fprintf(&out, "%s %s\n", name, doc.RootURL+doc.ServicePath)
		doc.write(&out, name, "")
	}
	if err := os.WriteFile("connectors.txt", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

func (r resource) write(out *bytes.Buffer, api, prefix string) {
	for _, name := range slices.Sorted(maps.Keys(r.Methods)) {
		r.Methods[name].write(out, api, prefix+name)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Resources)) {
		if api == "aiplatform.v1" && name == "operations" && prefix != "projects.locations." {
			continue // each of its hundred resources has a copy
		}
		r.Resources[name].write(out, api, prefix+name+".")
	}
}

// write puts down a method: its name, verb, path and what it takes. Query parameters stand by their names, with a "!" if
// they are required; the rest has a "+".
func (m method) write(out *bytes.Buffer, api, name string) {
	words := []string{" " + name, m.HTTPMethod, m.Path}
	flag := func(on bool, word string) {
		if on {
			words = append(words, word)
		}
	}
	flag(m.Request != nil, "+body")
	flag(m.HTTPMethod != "GET" && m.Response != nil && strings.HasSuffix(m.Response.Ref, "Operation") ||
		slices.Contains(waiting, api+"."+name), "+operation")
	flag(m.SupportsMediaUpload, "+upload")
	flag(m.SupportsMediaDownload, "+download")
	for prefix, argument := range regional {
		flag(strings.HasPrefix(api+"."+name, prefix) && m.Parameters[argument].Location == "", "+host="+argument)
	}
	for _, p := range slices.Sorted(maps.Keys(m.Parameters)) {
		if m.Parameters[p].Location == "query" {
			flag(m.Parameters[p].Required, "!"+p)
			flag(!m.Parameters[p].Required, p)
		}
	}
	fmt.Fprintln(out, strings.Join(words, " "))
}

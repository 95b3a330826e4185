// Command schemas writes the schemas of Pub/Sub's topics from the compiled descriptors of gen/: for each event a .proto file
// that stands alone, as Pub/Sub takes no imports and one message at the top
// (https://cloud.google.com/pubsub/docs/schemas). Terraform makes a topic of every file.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
)

//go:generate go run . -out ../../terraform/modules/pipeline/schemas

const usage = `schemas writes a Pub/Sub schema for each event of proto/orderflow/event/v1/events.proto,
and removes those of events that are no more.

Example:
  go run ./scripts/schemas -out terraform/modules/pipeline/schemas
`

func main() {
	log.SetFlags(0)
	log.SetPrefix("schemas: ")
	out := flag.String("out", "", "folder to write into")
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*out); err != nil {
		log.Fatal(err)
	}
}

// files are the schemas by the names of their files, which are the events' full names: the topics'.
func files() (map[string]string, error) {
	files := map[string]string{}
	events := eventv1.File_orderflow_event_v1_events_proto.Messages()
	for i := range events.Len() {
		e := events.Get(i)
		text, err := schema(e)
		if err != nil {
			return nil, err
		}
		files[string(e.FullName())+".proto"] = text
	}
	return files, nil
}

func write(folder string) error {
	files, err := files()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.proto"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if files[filepath.Base(name)] != "" {
			continue
		}
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"orderflow.dev/internal/unit"
)

// listing is the file by which Terraform knows the bundles' names.
const listing = "bundles.tfvars.json"

// write puts the bundles into out, each in place of its unit's older ones, and lists what is there of all units.
func write(out string, all []unit.Unit, bundles []bundle) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, b := range bundles {
		older, err := zipsOf(out, b.unit.Name)
		if err != nil {
			return err
		}
		for _, name := range older { // first, so that there are never two
			if err := os.Remove(filepath.Join(out, name)); err != nil {
				return err
			}
		}
		if err := replace(filepath.Join(out, b.name()), b.zip); err != nil {
			return err
		}
	}
	names := map[string]string{}
	for _, u := range all {
		found, err := zipsOf(out, u.Name)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			names[u.Name] = found[0]
		}
	}
	body, err := json.MarshalIndent(map[string]any{"bundles": names}, "", "  ")
	if err != nil {
		return err
	}
	return replace(filepath.Join(out, listing), append(body, '\n'))
}

func zipsOf(out, unit string) (names []string, err error) {
	entries, err := os.ReadDir(out)
	if err != nil {
		return nil, err
	}
	own := regexp.MustCompile(fmt.Sprintf(`^%s-[0-9a-f]{16}\.zip$`, regexp.QuoteMeta(unit)))
	for _, e := range entries {
		if own.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// replace writes a file as a whole: who reads it meanwhile sees the old one or the new one.
func replace(file string, content []byte) error {
	part := file + ".part"
	if err := os.WriteFile(part, content, 0o644); err != nil {
		return err
	}
	return os.Rename(part, file)
}

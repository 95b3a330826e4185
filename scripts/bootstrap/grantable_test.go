package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"orderflow.dev/scripts/internal/fakecloud"
)

// TestAnUnlimitedGrantIsNotThere: beside it the limited one means nothing.
func TestAnUnlimitedGrantIsNotThere(t *testing.T) {
	cloud := fakecloud.New(t)
	cloud.Write("policy/"+project, `,{"role": "roles/resourcemanager.projectIamAdmin",
		"members": ["serviceAccount:deployer@my-project-dev.iam.gserviceaccount.com"]}`)
	t.Setenv("PAYMENT_PROVIDER_KEY", "k")
	t.Setenv("PAYMENT_WEBHOOK_SECRETS", "x")
	if _, err := run(t, "--yes"); err == nil || !strings.Contains(err.Error(), "without a condition") {
		t.Errorf("got %v", err)
	}
}

var (
	grant        = regexp.MustCompile(`(?s)resource "google_project_iam_(?:member|binding)" "[^"]+" \{(.*?)\n\}`)
	grantedRole  = regexp.MustCompile(`"(roles/[^"]+)"`)
	interpolated = regexp.MustCompile(`\\\$\\\{[^}]*\\\}`) // as QuoteMeta leaves ${…}
)

// TestTheDeployerMayGrantWhatTerraformGrants compares with the project-wide grants of terraform/, and with nothing else.
func TestTheDeployerMayGrantWhatTerraformGrants(t *testing.T) {
	if len(grantable) > 10 {
		t.Errorf("%d roles: a condition takes 10", len(grantable))
	}
	needed := map[string]bool{}
	tree := os.DirFS("../../terraform")
	err := fs.WalkDir(tree, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".tf" {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		for _, g := range grant.FindAllSubmatch(text, -1) {
			roles := grantedRole.FindAllSubmatch(g[1], -1)
			if len(roles) == 0 {
				t.Errorf("%s: a project-wide grant whose role this test cannot read:\n%s", path, g[0])
			}
			for _, r := range roles {
				if !match(string(r[1]), needed) {
					t.Errorf("%s grants %s on the project, which the build identity may not: add it to grantable", path, r[1])
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grantable {
		if !needed[g] {
			t.Errorf("nothing in terraform/ grants %s on the project: take it from grantable", g)
		}
	}
}

// match marks the grantable roles that a role of Terraform's stands for: one, or several if a part of it is a variable.
func match(role string, needed map[string]bool) (found bool) {
	pattern := regexp.MustCompile("^" + interpolated.ReplaceAllString(regexp.QuoteMeta(role), `[a-z]+`) + "$")
	for _, g := range grantable {
		if pattern.MatchString(g) {
			needed[g], found = true, true
		}
	}
	return found
}

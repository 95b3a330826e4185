package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/api/cloudbuild/v1"

	"orderflow.dev"
	"orderflow.dev/internal/unit"
)

const cloudbuildFile = "../../cloudbuild.yaml"

// readBuild reads a build as the API does: by its own schema, and no field that it does not have.
func readBuild(text []byte) (*cloudbuild.Build, error) {
	var fields any
	if err := yaml.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	b := &cloudbuild.Build{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return b, d.Decode(b)
}

func theBuild(t *testing.T) (string, *cloudbuild.Build) {
	t.Helper()
	text, err := os.ReadFile(cloudbuildFile)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readBuild(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), b
}

func TestTheSchemaRefusesWhatIsNoBuild(t *testing.T) {
	text, _ := theBuild(t)
	for _, broken := range []string{
		strings.Replace(text, "entrypoint:", "entryPoint_:", 1),
		strings.Replace(text, "machineType:", "machine_type:", 1),
		strings.Replace(text, "args: [-r", "args: -r #", 1),
		strings.Replace(text, "steps:", "step:", 1),
	} {
		if _, err := readBuild([]byte(broken)); err == nil {
			t.Error("a broken file was read")
		}
	}
}

// builtIn are substitutions that Cloud Build brings (https://cloud.google.com/build/docs/configuring-builds/substitute-variable-values).
var builtIn = []string{"PROJECT_ID"}

var substitution = regexp.MustCompile(`\$\{?([A-Z_][A-Z0-9_]*)\}?`)

func TestTheBuildIsTheRelease(t *testing.T) {
	text, b := theBuild(t)
	used := map[string]bool{}
	for _, m := range substitution.FindAllStringSubmatch(text, -1) {
		used[m[1]] = true
		if _, declared := b.Substitutions[m[1]]; !declared && !slices.Contains(builtIn, m[1]) {
			t.Errorf("$%s is not declared", m[1])
		}
	}
	for name := range b.Substitutions {
		if !used[name] {
			t.Errorf("%s is declared and not used", name)
		}
	}
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		if strings.Contains(text, u.Name) {
			t.Errorf("it names %s: adding a function would be editing it", u.Name)
		}
	}
	var ids, names []string
	sum := time.Duration(0)
	for _, s := range b.Steps {
		ids = append(ids, s.Id)
		if _, tag, _ := strings.Cut(s.Name, ":"); !regexp.MustCompile(`^\d+\.\d+\.\d+`).MatchString(tag) {
			t.Errorf("step %s: the image %s is not pinned to a version", s.Id, s.Name)
		}
		sum += seconds(t, s.Timeout)
	}
	for _, s := range release {
		names = append(names, s.name)
	}
	if want := append([]string{"go", "terraform"}, names...); !slices.Equal(ids, want) {
		t.Errorf("its steps are %v, want %v", ids, want)
	}
	if total := seconds(t, b.Timeout); total < 6*time.Hour || total > 24*time.Hour {
		t.Errorf("the build may take %s: a roll-back must not be cut off, and 24 h are Cloud Build's limit (steps: %s)", total, sum)
	}
	if want := "projects/$PROJECT_ID/serviceAccounts/deployer@$PROJECT_ID.iam.gserviceaccount.com"; b.ServiceAccount != want || b.Options.Logging != "CLOUD_LOGGING_ONLY" {
		t.Errorf("it runs as %s and logs to %s", b.ServiceAccount, b.Options.Logging)
	}
}

func seconds(t *testing.T, text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || !strings.HasSuffix(text, "s") {
		t.Errorf("%q is no duration of Cloud Build's: %v", text, err)
	}
	return d
}

// TestEachStepRunsHere runs the steps' own command lines, with --dry-run.
func TestEachStepRunsHere(t *testing.T) {
	_, b := theBuild(t)
	t.Setenv("ORDERFLOW_TOKEN", "")
	for _, s := range b.Steps[2:] {
		t.Run(s.Id, func(t *testing.T) {
			var args []string
			for _, a := range s.Args {
				args = append(args, substitution.ReplaceAllStringFunc(a, func(name string) string {
					if name = strings.Trim(name, "${}"); name == "PROJECT_ID" {
						return project
					}
					return b.Substitutions[name]
				}))
			}
			if s.Entrypoint != "/tools/go/bin/go" {
				t.Fatalf("the entrypoint is %s", s.Entrypoint)
			}
			cmd := exec.Command("go", append(args, "--dry-run")...)
			cmd.Dir = "../.."
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("=== "+s.Id+":")) {
				t.Fatalf("go %v: %v\n%s", args, err, out)
			}
			commands := bytes.Count(out, []byte("\n  $ "))
			if commands == 0 {
				t.Errorf("it would run nothing:\n%s", out)
			}
		})
	}
}

// TestTheToolsAreWhereTheStepsLook: what the first two steps copy is in PATH, and Go is the toolchain that go.mod asks for.
func TestTheToolsAreWhereTheStepsLook(t *testing.T) {
	_, b := theBuild(t)
	if got := [][]string{b.Steps[0].Args, b.Steps[1].Args}; b.Options.Volumes[0].Path != "/tools" || got[0][2] != "/tools/go" || got[1][1] != "/tools/terraform" ||
		!strings.HasPrefix(b.Options.Env[0], "PATH=/tools/go/bin:/tools:") {
		t.Errorf("the steps copy %v, and the rest looks in %s", got, b.Options.Env[0])
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	if !strings.HasPrefix(b.Steps[0].Name, "golang:"+string(want[1])+".") {
		t.Errorf("the image is %s, and go.mod wants Go %s", b.Steps[0].Name, want[1])
	}
}

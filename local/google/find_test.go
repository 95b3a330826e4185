package google

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lay makes empty executable files below a new directory.
func lay(t *testing.T, files ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(root, f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// fake is a machine with the given variables and programs and nothing else.
func fake(env, programs map[string]string, roots ...string) machine {
	return machine{
		getenv: func(name string) string { return env[name] },
		lookPath: func(name string) (string, error) {
			if filepath.IsAbs(name) {
				_, err := os.Stat(name)
				return name, err
			}
			if path, ok := programs[name]; ok {
				return path, nil
			}
			return "", os.ErrNotExist
		},
		roots: roots,
	}
}

const (
	fsJar  = firestoreJar
	psJar  = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.20-all.jar"
	oldJar = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.19-all.jar"
)

func TestFind(t *testing.T) {
	t.Parallel()
	sdk, other := lay(t, fsJar, psJar, oldJar, "bin/gcloud"), lay(t, fsJar)
	java, home := lay(t, "bin/java"), lay(t, "bin/java")
	link := filepath.Join(t.TempDir(), "gcloud")
	if err := os.Symlink(filepath.Join(sdk, "bin/gcloud"), link); err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"java": filepath.Join(java, "bin/java")}
	all := installation{programs["java"], filepath.Join(sdk, fsJar), filepath.Join(sdk, psJar)}
	tests := map[string]struct {
		machine machine
		want    installation
	}{
		"well-known root":  {fake(nil, programs, "/nowhere", sdk), all},
		"first variable":   {fake(map[string]string{"CLOUDSDK_ROOT_DIR": sdk, "GOOGLE_CLOUD_SDK": other}, programs), all},
		"second variable":  {fake(map[string]string{"GOOGLE_CLOUD_SDK": sdk}, programs, other), all},
		"gcloud by a link": {fake(nil, map[string]string{"java": programs["java"], "gcloud": link}, other), all},
		"each in another": {
			fake(map[string]string{"CLOUDSDK_ROOT_DIR": other}, programs, sdk),
			installation{all.java, filepath.Join(other, fsJar), all.pubsub},
		},
		"JAVA_HOME": {
			fake(map[string]string{"JAVA_HOME": home}, programs, sdk),
			installation{filepath.Join(home, "bin/java"), all.firestore, all.pubsub},
		},
		"JAVA_HOME without java": {fake(map[string]string{"JAVA_HOME": other}, programs, sdk), all},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.machine.find()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(installation{})); diff != "" {
				t.Errorf("find (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingNamesEveryPart(t *testing.T) {
	t.Parallel()
	java := map[string]string{"java": filepath.Join(lay(t, "bin/java"), "bin/java")}
	tests := map[string]struct {
		machine machine
		want    []string
	}{
		"everything": {fake(nil, nil), []string{Firestore, PubSub, Java}},
		"java":       {fake(nil, nil, lay(t, fsJar, psJar)), []string{Java}},
		"Firestore":  {fake(nil, java, lay(t, psJar)), []string{Firestore}},
		"Pub/Sub":    {fake(nil, java, lay(t, fsJar)), []string{PubSub}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.machine.find()
			var missing *Missing
			if !errors.As(err, &missing) {
				t.Fatalf("find = %v", err)
			}
			if diff := cmp.Diff(tt.want, missing.Parts); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			for _, part := range missing.Parts {
				if !strings.Contains(err.Error(), install[part]) {
					t.Errorf("%q does not say how to install the %s", err, part)
				}
			}
		})
	}
}

func TestTooOld(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"":                          false,
		"JAVA_VERSION=\"1.8.0\"\n":  true,
		"JAVA_VERSION=\"11.0.2\"\n": true,
		"IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.15\"\n": false,
		"JAVA_VERSION=\"25\"\n":                         false,
		"JAVA_VERSION=\"soon\"\n":                       false,
	}
	for release, want := range tests {
		root := lay(t, "bin/java")
		if err := os.WriteFile(filepath.Join(root, "release"), []byte(release), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := tooOld(filepath.Join(root, "bin/java")); got != want {
			t.Errorf("tooOld with %q = %v", release, got)
		}
	}
	if tooOld(filepath.Join(t.TempDir(), "bin/java")) {
		t.Error("a java without a release file is too old")
	}
}

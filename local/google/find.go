package google

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// Where each emulator lies below the root of a Cloud SDK.
const (
	firestoreJar = "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
	pubsubJar    = "platform/pubsub-emulator/lib/cloud-pubsub-emulator-*-all.jar"
)

// installation is what has to be on the machine; absolute paths.
type installation struct {
	java, firestore, pubsub string
}

// machine is the part of the operating system the search looks at.
type machine struct {
	getenv   func(string) string
	lookPath func(string) (string, error)
	roots    []string // where SDKs usually are
}

func thisMachine() machine {
	roots := []string{
		"/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk",
		"/opt/google-cloud-sdk", "/snap/google-cloud-cli/current",
	}
	if home, err := os.UserHomeDir(); err == nil {
		roots = append(roots, filepath.Join(home, "google-cloud-sdk"))
	}
	return machine{getenv: os.Getenv, lookPath: exec.LookPath, roots: roots}
}

// Installed is nil if both emulators and a java to run them are on this machine, and otherwise *Missing.
func Installed() error {
	_, err := thisMachine().find()
	return err
}

// find returns everything or a *Missing that names what is not there. The
// emulators may lie in different SDKs.
func (m machine) find() (installation, error) {
	roots := m.sdkRoots()
	in := installation{
		java:      m.findJava(),
		firestore: newest(roots, firestoreJar),
		pubsub:    newest(roots, pubsubJar),
	}
	var missing Missing
	for part, path := range map[string]string{Java: in.java, Firestore: in.firestore, PubSub: in.pubsub} {
		if path == "" {
			missing.Parts = append(missing.Parts, part)
		}
	}
	if len(missing.Parts) > 0 {
		slices.Sort(missing.Parts)
		return in, &missing
	}
	return in, nil
}

// sdkRoots lists the roots in the order in which they are searched.
func (m machine) sdkRoots() []string {
	var roots []string
	for _, name := range []string{"CLOUDSDK_ROOT_DIR", "GOOGLE_CLOUD_SDK"} {
		if root := m.getenv(name); root != "" {
			roots = append(roots, root)
		}
	}
	if gcloud, err := m.lookPath("gcloud"); err == nil {
		if real, err := filepath.EvalSymlinks(gcloud); err == nil {
			roots = append(roots, filepath.Dir(filepath.Dir(real)))
		}
	}
	return append(roots, m.roots...)
}

// newest returns the file that matches in the first root that has one; among
// several versions the one that sorts last.
func newest(roots []string, pattern string) string {
	for _, root := range roots {
		matches, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(matches) == 0 {
			continue
		}
		if path, err := filepath.Abs(slices.Max(matches)); err == nil {
			return path
		}
	}
	return ""
}

// findJava prefers JAVA_HOME, as java tools do. A java known to be too old
// counts as none.
func (m machine) findJava() string {
	var candidates []string
	if home := m.getenv("JAVA_HOME"); home != "" {
		candidates = append(candidates, filepath.Join(home, "bin", "java"+exeSuffix()))
	}
	candidates = append(candidates, "java")
	for _, c := range candidates {
		path, err := m.lookPath(c)
		if err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(path); err == nil && !tooOld(real) {
			return real
		}
	}
	return ""
}

func exeSuffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

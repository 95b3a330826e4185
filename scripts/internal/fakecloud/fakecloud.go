// Package fakecloud stands for gcloud and terraform in tests of scripts that call them: programs of these names that keep a
// small project in a folder, and write down how they were called. They know the commands that the scripts use, and no other.
package fakecloud

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderflow.dev/scripts/internal/command"
)

// programs are what the fake stands for.
var programs = []string{"gcloud", "terraform", "go", "git"}

const folder = "FAKE_CLOUD" // the environment variable that names the project's folder

// bin is the folder of the programs.
var bin string

// Run builds the programs, runs the tests and answers their exit status. A binary of their own starts sooner than the test's,
// and a release starts dozens.
func Run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "fakecloud-"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "program"), "orderflow.dev/scripts/internal/fakecloud/program")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	for _, p := range programs {
		if err := os.Symlink("program", filepath.Join(bin, p)); err != nil {
			panic(err)
		}
	}
	return m.Run()
}

// Main is one of the programs, by the name that it is called by.
func Main() {
	name := filepath.Base(os.Args[0])
	f := fake{dir: os.Getenv(folder), args: os.Args[1:]}
	line := command.Quote(append([]string{name}, f.args...)...)
	f.record(line)
	for _, rule := range strings.Split(f.read("rules"), "\n") {
		verb, part, _ := strings.Cut(rule, " ")
		if part == "" || !strings.Contains(line, part) {
			continue
		}
		switch verb {
		case "fail":
			fmt.Fprintln(os.Stderr, "fake: refused")
			os.Exit(1)
		case "once":
			f.write("rules", strings.Replace(f.read("rules"), rule+"\n", "", 1))
			fmt.Fprintln(os.Stderr, "fake: refused this time")
			os.Exit(1)
		case "hang":
			f.hang()
		}
	}
	do := map[string]func() error{"gcloud": f.gcloud, "terraform": f.terraform, "go": f.nothing, "git": f.git}[name]
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "fake:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// hang is a command that takes until Ctrl-C, and a moment longer, in which a second one would be counted.
func (f *fake) hang() {
	c := make(chan os.Signal, 8)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	f.record("hangs")
	<-c
	time.Sleep(300 * time.Millisecond)
	f.record(fmt.Sprintf("stopped by %d signals", 1+len(c)))
	os.Exit(1)
}

// Cloud is a project.
type Cloud struct{ dir string }

// New makes an empty project and puts its programs first into PATH. The test must not be parallel.
func New(t *testing.T) *Cloud {
	t.Helper()
	c := &Cloud{dir: t.TempDir()}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv(folder, c.dir)
	return c
}

// Fail makes every command fail whose line contains part; Once the next one only; Hang makes it wait for Ctrl-C.
func (c *Cloud) Fail(part string) { c.rule("fail " + part) }
func (c *Cloud) Once(part string) { c.rule("once " + part) }
func (c *Cloud) Hang(part string) { c.rule("hang " + part) }

// Heal takes all that away.
func (c *Cloud) Heal() { c.Write("rules", "") }

func (c *Cloud) rule(r string) { c.Write("rules", c.Read("rules")+r+"\n") }

// Calls are the commands so far, each in a line as a shell takes it; Forget begins anew.
func (c *Cloud) Calls() []string {
	return strings.Split(strings.TrimSpace(c.Read("calls")), "\n")
}

// Forget forgets the calls.
func (c *Cloud) Forget() { c.Write("calls", "") }

// Called are the calls that contain part.
func (c *Cloud) Called(part string) (found []string) {
	for _, l := range c.Calls() {
		if strings.Contains(l, part) {
			found = append(found, l)
		}
	}
	return found
}

// Read is a file of the project's folder; empty if it is not there. Write writes one.
func (c *Cloud) Read(name string) string { return (&fake{dir: c.dir}).read(name) }

// Write writes a file of the project's folder.
func (c *Cloud) Write(name, text string) { (&fake{dir: c.dir}).write(name, text) }

// fake is one run of a program.
type fake struct {
	dir  string
	args []string
}

func (f *fake) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fake) read(name string) string {
	raw, err := os.ReadFile(f.path(name))
	if err != nil && !os.IsNotExist(err) {
		panic(err)
	}
	return string(raw)
}

func (f *fake) write(name, text string) {
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o700); err != nil {
		panic(err)
	}
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		panic(err)
	}
}

// record appends a line at once, so that programs that run together do not mix theirs.
func (f *fake) record(line string) {
	file, err := os.OpenFile(f.path("calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}

// flag is the value of --name=value, and whether it is there.
func (f *fake) flag(name string) (string, bool) {
	for _, a := range f.args {
		if v, ok := strings.CutPrefix(a, "--"+name); ok && (v == "" || v[0] == '=') {
			return strings.TrimPrefix(v, "="), true
		}
	}
	return "", false
}

// words are the arguments that are no flags.
func (f *fake) words() (words []string) {
	for _, a := range f.args {
		if !strings.HasPrefix(a, "-") || a == "-" {
			words = append(words, a)
		}
	}
	return words
}

// is says that the words begin so.
func (f *fake) is(words ...string) bool {
	w := f.words()
	return len(w) >= len(words) && slices.Equal(w[:len(words)], words)
}

func (f *fake) nothing() error { return nil }

func (f *fake) git() error {
	fmt.Println("0123456789ab")
	return nil
}

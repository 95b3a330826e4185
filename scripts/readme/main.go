// Command readme runs the commands of a Markdown file as a reader would: every fenced block marked sh, in order, from
// the folder of the file. A block marked "sh background" is started and kept until the next heading; the blocks behind
// it run once it says that it is ready, and a Ctrl-C must end it with status 0.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// block is a fenced block of commands, or a heading, which has none.
type block struct {
	line       int
	background bool
	commands   string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("readme: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: readme FILE.md")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Chdir(filepath.Dir(os.Args[1])); err != nil {
		log.Fatal(err)
	}
	ran, err := run(blocks(string(text)))
	if err != nil {
		log.Fatal(err)
	}
	if ran == 0 {
		log.Fatalf("%s has no commands to run", os.Args[1])
	}
	log.Printf("%d blocks of commands ran", ran)
}

// blocks finds the fenced blocks marked sh, and the headings between them.
func blocks(text string) []block {
	var (
		out    []block
		inside bool
		shell  bool
	)
	for i, l := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(l, "```"):
			info := strings.Fields(strings.TrimPrefix(l, "```"))
			inside = !inside
			shell = inside && len(info) > 0 && info[0] == "sh"
			if shell {
				out = append(out, block{line: i + 1, background: len(info) > 1 && info[1] == "background"})
			}
		case shell:
			out[len(out)-1].commands += l + "\n"
		case !inside && strings.HasPrefix(l, "#"):
			out = append(out, block{line: i + 1})
		}
	}
	return out
}

func run(list []block) (ran int, err error) {
	var kept *service
	defer func() { err = first(err, kept.stop()) }()
	for _, b := range list {
		if b.commands == "" {
			if err := kept.stop(); err != nil {
				return ran, err
			}
			kept = nil
			continue
		}
		ran++
		fmt.Printf("\n--- line %d\n%s", b.line, b.commands)
		if b.background {
			if kept, err = start(b); err != nil {
				return ran, err
			}
			continue
		}
		cmd := shell(b.commands)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return ran, fmt.Errorf("the commands at line %d: %w", b.line, err)
		}
	}
	return ran, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func shell(commands string) *exec.Cmd {
	return exec.Command("bash", "-euo", "pipefail", "-c", commands)
}

// service is a background block at work.
type service struct {
	block block
	cmd   *exec.Cmd
	ended chan error
	out   *output
}

// output keeps what was printed, and prints it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	return os.Stdout.Write(p)
}

func (o *output) ready() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Contains(o.text.Bytes(), []byte("ready"))
}

const patience = 10 * time.Minute // it may have to be compiled first

func start(b block) (*service, error) {
	s := &service{block: b, cmd: shell(b.commands), ended: make(chan error, 1), out: &output{}}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches the whole foreground group
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for deadline := time.Now().Add(patience); !s.out.ready(); {
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("the command at line %d ended before it was ready: %v", b.line, err)
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, first(s.stop(), fmt.Errorf("the command at line %d was not ready within %s", b.line, patience))
		}
	}
	return s, nil
}

// stop is Ctrl-C.
func (s *service) stop() error {
	if s == nil {
		return nil
	}
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); err != nil {
		return fmt.Errorf("stop the command at line %d: %w", s.block.line, err)
	}
	select {
	case err := <-s.ended:
		if err != nil {
			return fmt.Errorf("the command at line %d did not end well on Ctrl-C: %w", s.block.line, err)
		}
		return nil
	case <-time.After(30 * time.Second):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it is gone if this fails
		return fmt.Errorf("the command at line %d did not end within 30 s of Ctrl-C", s.block.line)
	}
}

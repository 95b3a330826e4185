package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const fence = "```"

func TestOnlyShellBlocksAndHeadingsCount(t *testing.T) {
	text := "# One\n" + fence + "sh\necho a\n" + fence + "\n    # indented is no heading\n" + fence + "json\n# inside\n" + fence + "\n## Two\n" + fence + "sh background\nserve\n" + fence + "\n"
	var got []string
	for _, b := range blocks(text) {
		switch {
		case b.commands == "":
			got = append(got, "heading")
		case b.background:
			got = append(got, "background "+strings.TrimSpace(b.commands))
		default:
			got = append(got, strings.TrimSpace(b.commands))
		}
	}
	want := "heading, echo a, heading, background serve"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
}

func TestAFailingCommandFails(t *testing.T) {
	for name, commands := range map[string]string{"last": "false", "first of two": "false\ntrue", "in a pipe": "false | true"} {
		if _, err := run([]block{{line: 1, commands: commands}}); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestABackgroundBlockIsReadyBeforeTheNextAndEndsOnCtrlC(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	serve := "trap 'rm " + mark + "; exit 0' INT; touch " + mark + "; echo ready; while :; do sleep 0.05; done"
	ran, err := run([]block{{line: 1, background: true, commands: serve}, {line: 2, commands: "test -e " + mark}, {line: 3}})
	if err != nil || ran != 2 {
		t.Fatalf("ran %d, %v; want 2", ran, err)
	}
	if _, err := os.Stat(mark); !os.IsNotExist(err) {
		t.Errorf("Ctrl-C did not reach it: %v", err)
	}
	if _, err := run([]block{{line: 1, background: true, commands: "exit 0"}}); err == nil {
		t.Error("one that ends before it is ready: want an error")
	}
	if _, err := run([]block{{line: 1, background: true, commands: "trap 'exit 3' INT; echo ready; while :; do sleep 0.05; done"}}); err == nil {
		t.Error("one that ends badly on Ctrl-C: want an error")
	}
}

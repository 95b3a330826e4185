package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// each calls f with every command of ours, by its path.
func each(c *cobra.Command, f func(path string, c *cobra.Command)) {
	f(c.CommandPath(), c)
	for _, sub := range c.Commands() {
		each(sub, f)
	}
}

func TestEveryCommandIsThereOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	each(root(), func(path string, _ *cobra.Command) { seen[path]++ })
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", path, n)
		}
	}
}

func TestHelpHasExamplesThatAreCommands(t *testing.T) {
	t.Parallel()
	c := root()
	each(c, func(path string, sub *cobra.Command) {
		if sub == c || sub.HasSubCommands() && sub.Example == "" {
			return // help lists its commands, which have examples
		}
		if !strings.Contains(sub.Example, path) {
			t.Errorf("the help of %s has no example of it:\n%s", path, sub.Example)
		}
		help, _, err := orderflow(t.Context(), append(strings.Fields(path)[1:], "--help")...)
		if err != nil || !strings.Contains(help, sub.Example) {
			t.Errorf("%s --help: %v\n%s", path, err, help)
		}
	})
}

func TestWhatIsNoCommandFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"oders", `unknown command "oders" for "orderflow"`},
		{"orders shwo ID", `unknown command "shwo" for "orderflow orders": did you mean show?`},
		{"orders cancle ID --reason r", `did you mean cancel?`},
		{"stock remove mug-blue", `unknown command "remove" for "orderflow stock"`},
		{"dead-letters lst", `did you mean list?`},
		{"drill restor", `did you mean restore?`},
		{"workflows rum w.yaml", `did you mean run?`},
		{"replay lst", `unknown command "lst" for "orderflow replay"`},
		{"orders find ID", `unknown command "ID" for "orderflow orders find"`},
		{"drill restore 7", `unknown command "7"`},
		{"drill restore --for 0s", "--for above zero"},
		{"drill restore --orders -1", "--orders"},
		{"drill restore --orders many", "invalid argument"},
		{"check --dry-run", "give both"},
		{"check ID", `unknown command "ID"`},
	} {
		if _, _, err := orderflow(t.Context(), strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) || exitCode(err) != 1 {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
	if out, _, err := orderflow(t.Context(), "orders"); err != nil || !strings.Contains(out, "orderflow orders cancel ID") {
		t.Errorf("a group without a command: %v, want its help:\n%s", err, out)
	}
}

func TestHelpShowsNoKeyToTake(t *testing.T) {
	t.Parallel()
	each(root(), func(path string, c *cobra.Command) {
		if key := c.Flags().Lookup("key"); key != nil && key.DefValue != "" {
			t.Errorf("%s --help shows the key %s: whoever copies it does nothing the second time", path, key.DefValue)
		}
	})
}

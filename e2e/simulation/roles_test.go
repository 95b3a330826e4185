package simulation

import (
	"slices"
	"strings"
	"testing"

	"orderflow.dev"
	"orderflow.dev/internal/unit"
	"orderflow.dev/local/iam"
)

// TestRolesAreWhatEachUnitWasSeenToDo holds what units did in the simulation's runs, while others died at every point,
// against what their files declare. A writer publishes what the journal's last one kept back, so it needs more topics
// than its own events': without them those wait for sweep-journals, in production only. And a topic that nobody was seen
// to need is one too many.
func TestRolesAreWhatEachUnitWasSeenToDo(t *testing.T) {
	t.Parallel()
	units, err := unit.Load(orderflow.Tree)
	if err != nil {
		t.Fatal(err)
	}
	did := map[string][]iam.Grant{}
	for label := range known(t) {
		name, what, _ := strings.Cut(label, ": ")
		if g, ok := grantOf(what); ok && !slices.Contains(did[name], g) {
			did[name] = append(did[name], g)
		}
	}
	for _, u := range units {
		declared := iam.Declared(u)
		for _, g := range did[u.Name] {
			if !slices.Contains(declared, g) {
				t.Errorf("%s was seen to need `%s`, which its file does not have", u.Dir, g)
			}
		}
		_, simulated := builds[u.Name]
		for _, g := range declared {
			if simulated && leavesMark(g) && !slices.Contains(did[u.Name], g) {
				t.Errorf("%s has `%s`, which nobody saw it need", u.Dir, g)
			}
		}
	}
}

// grantOf is what it takes to do what a point's label tells: "after commit orders OrderCreated".
func grantOf(what string) (g iam.Grant, ok bool) {
	words := strings.Fields(what)
	switch words[1] {
	case "commit":
		return iam.Grant{Key: "databases", Name: words[2], Access: "write"}, true
	case "publish":
		return iam.Grant{Key: "publishes", Name: words[2]}, true
	case "start":
		return iam.Grant{Key: "starts", Name: "fulfil-order"}, true
	case "park":
		return iam.Parks, true
	}
	return iam.Grant{}, false
}

// leavesMark says whether there are points for a grant: reading has none, and of a call only the other side.
func leavesMark(g iam.Grant) bool { return g.Access != "read" && g.Key != "calls" }

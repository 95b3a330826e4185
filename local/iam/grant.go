package iam

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"orderflow.dev/internal/unit"
)

// Grant is one thing that a unit may do, in the words of function.yaml and service.yaml.
type Grant struct {
	Key    string      // databases, buckets, publishes, calls, starts, trigger
	Name   string      // orders, uploads, OrderCreated, inventory, fulfil-order
	Access unit.Access // to a database or a bucket
}

// Parks is what a trigger by events brings along: what can never be handled may be sent to the dead letters.
var Parks = Grant{Key: "trigger", Name: "events"}

func (g Grant) String() string {
	switch {
	case g == Parks:
		return "trigger: {events: …}"
	case g.Access != "":
		return fmt.Sprintf("%s: {%s: %s}", g.Key, g.Name, g.Access)
	}
	return fmt.Sprintf("%s: [%s]", g.Key, g.Name)
}

// Declared is everything that a unit's file grants it, in order.
func Declared(u unit.Unit) []Grant {
	var out []Grant
	for name, access := range u.Databases {
		out = append(out, Grant{"databases", name, access})
	}
	for name, access := range u.Buckets {
		out = append(out, Grant{"buckets", name, access})
	}
	for key, names := range map[string][]string{"publishes": u.Publishes, "calls": u.Calls, "starts": u.Starts} {
		for _, name := range names {
			out = append(out, Grant{Key: key, Name: name})
		}
	}
	if len(u.Trigger.Events) > 0 {
		out = append(out, Parks)
	}
	slices.SortFunc(out, compare)
	return out
}

func compare(a, b Grant) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Access, b.Access))
}

// covers says whether what is declared includes a grant: who may write may read.
func covers(declared []Grant, g Grant) bool {
	return slices.ContainsFunc(declared, func(d Grant) bool {
		return d == g || d.Key == g.Key && d.Name == g.Name && d.Access == "write"
	})
}

// Denial is something that a unit tried and may not do.
type Denial struct {
	Unit, File string
	Action     string // google.pubsub.v1.Publisher/Publish, storage.objects.delete
	Missing    Grant  // what would permit it; zero if nothing does
}

func (d Denial) String() string {
	if d.Missing.Name == "" {
		return fmt.Sprintf("%s was refused %s, which no unit may have", d.Unit, d.Action)
	}
	return fmt.Sprintf("%s was refused %s: %s does not have `%s`", d.Unit, d.Action, d.File, d.Missing)
}

func fileOf(u unit.Unit) string {
	if u.Service {
		return path.Join(u.Dir, "service.yaml")
	}
	return path.Join(u.Dir, "function.yaml")
}

package architecture

import (
	"fmt"
	"slices"
	"strings"
)

const module = "orderflow.dev"

// pkg is a package of the tree, or one that it needs, as `go list -deps -json` tells it. Tests' imports are not in it:
// tests may use whatever helps them.
type pkg struct {
	ImportPath, Name string
	Standard         bool
	Imports, Deps    []string // direct; direct and indirect
	Module           *struct{ Path string }
}

// path is the package's path in the tree; empty if it is not of this module.
func (p *pkg) path() string { return local(p.ImportPath) }

func local(importPath string) string {
	if importPath == module {
		return "."
	}
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return rest
	}
	return ""
}

// under says whether a path is one of some folders or below it.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// graph is every package, by import path.
type graph map[string]*pkg

// rule finds what breaks it in one package of this module.
type rule struct {
	name  string
	check func(graph, *pkg) []string
}

// forbid is a rule about which packages' direct imports may be of a kind.
func forbid(name string, applies func(path string) bool, bad func(g graph, importPath string) bool) rule {
	return rule{name, func(g graph, p *pkg) (found []string) {
		if !applies(p.path()) {
			return nil
		}
		for _, i := range p.Imports {
			if bad(g, i) {
				found = append(found, fmt.Sprintf("%s imports %s", p.path(), i))
			}
		}
		return found
	}}
}

// forbidDeep is forbid for what is imported indirectly too: what ends in a bundle.
func forbidDeep(name string, applies func(path string) bool, bad func(g graph, importPath string) bool) rule {
	return rule{name, func(g graph, p *pkg) (found []string) {
		if !applies(p.path()) {
			return nil
		}
		for _, i := range p.Deps {
			if bad(g, i) {
				found = append(found, fmt.Sprintf("%s needs %s", p.path(), i))
			}
		}
		return found
	}}
}

var (
	// rooms are the domain. A room knows no other room.
	rooms = []string{"internal/order", "internal/inventory", "internal/payment", "internal/importing", "internal/notification"}
	// leaves are what any room may know.
	leaves = []string{"internal/backoff", "internal/fault", "internal/journal"}
	// annexes are the standard library's that a room may use: they do no I/O. A part of a room is the room's own.
	annexes = []string{"golang.org/x/sync", "golang.org/x/time", "orderflow.dev/internal/importing/rows"}
	// production is what is deployed.
	production = []string{"functions", "services", "internal"}
	// vague are names for what nobody has thought about.
	vague = []string{"util", "utils", "common", "helper", "helpers", "shared", "models", "types", "lib", "misc", "base"}
	// grpcRooms serve or call gRPC. Elsewhere its codes and statuses are a vocabulary, as HTTP's are.
	grpcRooms      = []string{"internal/platform/rpc", "internal/platform/workflow", "internal/client", "services"}
	grpcVocabulary = []string{"google.golang.org/grpc/codes", "google.golang.org/grpc/status"}
)

func in(folders ...string) func(string) bool {
	return func(path string) bool { return under(path, folders...) }
}

func productionExcept(folders ...string) func(string) bool {
	return func(path string) bool { return under(path, production...) && !under(path, folders...) }
}

func external(prefix string) func(graph, string) bool {
	return func(_ graph, importPath string) bool { return under(importPath, prefix) }
}

// door is the door that a package belongs to: a function, a service, a command; empty if to none.
func door(path string) string {
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "functions" && len(parts) >= 3:
		return strings.Join(parts[:3], "/")
	case (parts[0] == "services" || parts[0] == "cmd") && len(parts) >= 2:
		return strings.Join(parts[:2], "/")
	}
	return ""
}

// roomMayImport is all that the domain knows.
func roomMayImport(g graph, importPath string) bool {
	if p := g[importPath]; p != nil && p.Standard {
		return !under(importPath, "net/http")
	}
	return under(local(importPath), append([]string{"gen/orderflow/event", "gen/orderflow/type"}, leaves...)...) ||
		importPath == "google.golang.org/grpc/codes" || under(importPath, append([]string{"google.golang.org/protobuf"}, annexes...)...)
}

var rules = []rule{
	{"doors never import each other", func(_ graph, p *pkg) (found []string) {
		own := door(p.path())
		for _, i := range p.Imports {
			if other := door(local(i)); own != "" && other != "" && other != own {
				found = append(found, fmt.Sprintf("%s imports %s", p.path(), i))
			}
		}
		return found
	}},
	forbidDeep("what is deployed needs nothing of local/, e2e, scripts or the tree's own descriptions", in(production...),
		func(_ graph, i string) bool { return under(local(i), "local", "e2e", "scripts", "cmd", ".") }),
	forbid("a room imports the standard library without net/http, its leaves and its vocabulary", in(rooms...),
		func(g graph, i string) bool { return !roomMayImport(g, i) }),
	forbidDeep("a room needs no cloud and no network, not even indirectly", in(append(slices.Clone(rooms), leaves...)...),
		func(_ graph, i string) bool {
			return under(i, "cloud.google.com/go", "net/http", "google.golang.org/api") || i == "google.golang.org/grpc"
		}),
	forbid("a leaf knows no room and no plumbing", in(leaves...),
		func(_ graph, i string) bool { return under(local(i), "internal") && !under(local(i), leaves...) }),
	forbidDeep("the platform knows no domain", in("internal/platform"), func(_ graph, i string) bool {
		return under(local(i), append(slices.Clone(rooms), "internal/store", "internal/provider", "internal/client", "internal/api")...)
	}),
	forbid("only the store imports Firestore", productionExcept("internal/store"), external("cloud.google.com/go/firestore")),
	forbid("only platform/event imports Pub/Sub", productionExcept("internal/platform/event"), external("cloud.google.com/go/pubsub")),
	forbid("only platform/bucket imports Cloud Storage", productionExcept("internal/platform/bucket"), external("cloud.google.com/go/storage")),
	forbid("only platform/workflow imports Workflows", productionExcept("internal/platform/workflow"), external("cloud.google.com/go/workflows")),
	forbid("only those who serve or call it import gRPC, but for its codes and statuses", productionExcept(grpcRooms...),
		func(_ graph, i string) bool {
			return under(i, "google.golang.org/grpc") && !slices.Contains(grpcVocabulary, i)
		}),
	forbid("only platform/function knows the functions framework", productionExcept("internal/platform/function"),
		external("github.com/GoogleCloudPlatform/functions-framework-go")),
	forbidDeep("no function or service reads the archive", in("functions", "services"), func(_ graph, i string) bool {
		return under(local(i), "internal/archive") || under(i, "github.com/twmb/avro")
	}),
	{"a package says what it is for", func(_ graph, p *pkg) (found []string) {
		last := p.path()[strings.LastIndex(p.path(), "/")+1:]
		if slices.Contains(vague, p.Name) || slices.Contains(vague, last) {
			found = append(found, fmt.Sprintf("%s is called %s", p.path(), p.Name))
		}
		return found
	}},
}

package iam

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/internal/unit"
)

// Options say whose guard it is and what is behind it.
type Options struct {
	Unit    unit.Unit
	Units   []unit.Unit // all: the URLs and secrets of some are kept from the others
	Project string

	Firestore, PubSub, Workflows string            // host:port of what stands for Google's; empty where there is none
	Storage                      string            // URL
	Services                     map[string]string // URLs, by unit

	OnDenial func(Denial)                          // told of each kind of denial once
	Between  func(c Call, pass func() error) error // what comes between the unit and all of these; nil: nothing
}

// Call is a call of a unit that its file permits.
type Call struct {
	Unit   string
	Method string // /google.firestore.v1.Firestore/Commit; of Cloud Storage, the HTTP method and path
	First  []byte // its first message, which must not be kept or changed; none of Cloud Storage
	Cut    func() // ends it while it is made, as when a connection breaks; nil of Cloud Storage
}

// Guard stands between the processes of one unit and everything that they reach.
type Guard struct {
	options  Options
	declared []Grant
	set      map[string]string // what the unit finds in its environment
	closers  []func()

	mu     sync.Mutex
	used   map[Grant]bool
	denied map[Denial]bool
}

// Open starts a guard on ports of loopback. It must be closed.
func Open(o Options) (_ *Guard, err error) {
	g := &Guard{options: o, declared: Declared(o.Unit), set: map[string]string{}, used: map[Grant]bool{}, denied: map[Denial]bool{}}
	defer func() {
		if err != nil {
			g.Close()
		}
	}()
	if err := g.openGoogle(); err != nil {
		return nil, err
	}
	for _, name := range o.Unit.Calls {
		if err := g.openService(name); err != nil {
			return nil, err
		}
	}
	return g, g.openStorage()
}

// between has the call made, by what comes between if there is something: that may not make it, or answer an error though it
// was made.
func (g *Guard) between(method string, first []byte, cut func(), pass func() error) error {
	if g.options.Between == nil {
		return pass()
	}
	return g.options.Between(Call{Unit: g.options.Unit.Name, Method: method, First: first, Cut: cut}, pass)
}

func (g *Guard) openGoogle() error {
	behind := map[string]*grpc.ClientConn{}
	for service, address := range map[string]string{
		firestoreService: g.options.Firestore, publisherService: g.options.PubSub, workflowsService: g.options.Workflows,
	} {
		conn, err := g.dial(address)
		if err != nil {
			return err
		}
		behind[service] = conn
	}
	address, err := g.serve(func(method string, first []byte) (*grpc.ClientConn, error) {
		if err := g.permit(needOf(method, first)); err != nil {
			return nil, err
		}
		service, _, _ := strings.Cut(method[1:], "/")
		return behind[service], nil
	})
	for _, name := range []string{"FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "WORKFLOWS_EMULATOR_HOST"} {
		g.set[name] = address
	}
	return err
}

// openService leads to a service that the unit declares to call. Of the others it finds no URL.
func (g *Guard) openService(name string) error {
	target := unit.Unit{Name: name}
	url, ok := g.options.Services[name]
	if !ok {
		return fmt.Errorf("%s calls %s, which is not started", fileOf(g.options.Unit), name)
	}
	conn, err := g.dial(strings.TrimPrefix(url, "http://"))
	if err != nil {
		return err
	}
	address, err := g.serve(func(method string, _ []byte) (*grpc.ClientConn, error) {
		return conn, g.permit(need{action: method, grant: Grant{Key: "calls", Name: name}})
	})
	g.set[target.EnvName()] = "http://" + address
	return err
}

// permit notes the use of a grant, or refuses what the unit's file does not declare.
func (g *Guard) permit(n need) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used[n.grant] {
		return nil
	}
	if n.grant.Name != "" && covers(g.declared, n.grant) {
		g.used[n.grant] = true
		return nil
	}
	d := Denial{Unit: g.options.Unit.Name, File: fileOf(g.options.Unit), Action: n.action, Missing: n.grant}
	if !g.denied[d] {
		g.denied[d] = true
		if g.options.OnDenial != nil {
			g.options.OnDenial(d)
		}
	}
	return status.Errorf(codes.PermissionDenied, "%s (%s)", n.refusal, d)
}

// Used is what the unit has used so far of what it may do.
func (g *Guard) Used() []Grant {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.SortedFunc(maps.Keys(g.used), compare)
}

// Denied is what the unit has tried so far that it may not do, each kind once.
func (g *Guard) Denied() []Denial {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Keys(g.denied))
}

// Environ is an environment for the unit's processes: it leads to the guard, and has no service's URL and no secret that
// the unit's file does not name.
func (g *Guard) Environ(base []string) []string {
	hidden := map[string]bool{}
	for _, u := range g.options.Units {
		hidden[u.EnvName()] = true
		for _, secret := range u.Secrets {
			hidden[secret] = true
		}
	}
	for _, secret := range g.options.Unit.Secrets {
		hidden[secret] = false
	}
	var out []string
	for _, variable := range base {
		name, _, _ := strings.Cut(variable, "=")
		if _, led := g.set[name]; !led && !hidden[name] {
			out = append(out, variable)
		}
	}
	for name, value := range g.set {
		out = append(out, name+"="+value)
	}
	return out
}

// Close ends it, and the calls that it is passing on.
func (g *Guard) Close() {
	for i := len(g.closers) - 1; i >= 0; i-- {
		g.closers[i]()
	}
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

package workflows

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"orderflow.dev/local/workflows/stdlib"
)

//go:generate go run connector_gen.go
//go:embed connectors.txt
var connectorTable string

// connectorPrefix is what the names of connectors begin with.
const connectorPrefix = "googleapis."

// connector is a method of a Google API that a workflow calls by googleapis.SERVICE.VERSION.RESOURCE.METHOD. Its
// arguments are the parameters of the REST method by name, body, and connector_params.
type connector struct {
	name, service string
	verb          string
	root, path    string   // of the service, and of the method below it with {parameters}
	inPath        []string // parameters of the path
	required      []string // parameters of the query
	optional      []string // parameters of the query
	body          bool
	operation     bool   // starts what the call then waits for
	upload        bool   // takes the data of an object with uploadType: media
	download      bool   // gives the data of an object with alt: media
	host          string // argument that picks a regional host, if any
}

// connectorLines indexes the table: the line of each method by its full name, after the root of its service.
var connectorLines = sync.OnceValue(func() map[string][2]string {
	lines := map[string][2]string{}
	var api, root string
	for line := range strings.Lines(connectorTable) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if line[0] != ' ' {
			api, root = name, rest
			continue
		}
		lines[connectorPrefix+api+"."+name] = [2]string{root, rest}
	}
	return lines
})

var pathParameter = regexp.MustCompile(`\{\+?(\w+)\}`)

// lookupConnector reads a method from the table.
func lookupConnector(name string) (*connector, bool) {
	if !strings.HasPrefix(name, connectorPrefix) {
		return nil, false // without reading the table
	}
	entry, ok := connectorLines()[name]
	if !ok {
		return nil, false
	}
	words := strings.Fields(entry[1])
	c := &connector{name: name, service: strings.Split(name, ".")[1], root: entry[0], verb: words[0], path: words[1]}
	for _, m := range pathParameter.FindAllStringSubmatch(c.path, -1) {
		c.inPath = append(c.inPath, m[1])
	}
	for _, w := range words[2:] {
		c.word(w)
	}
	return c, true
}

// word reads one word of a line of the table.
func (c *connector) word(w string) {
	host, regional := strings.CutPrefix(w, "+host=")
	switch {
	case regional:
		c.host = host
	case w == "+body":
		c.body = true
	case w == "+operation":
		c.operation = true
	case w == "+upload":
		c.upload = true
		c.optional = append(c.optional, "uploadType")
	case w == "+download":
		c.download = true
	case w[0] == '!':
		c.required = append(c.required, w[1:])
	default:
		c.optional = append(c.optional, w)
	}
}

// params lists what the connector takes. A body is not required here: most requests may be empty. Every method of the
// service takes alt as well.
func (c *connector) params() []stdlib.Param {
	names := slices.Concat(c.inPath, c.required)
	if c.host != "" {
		names = append(names, c.host)
	}
	params := stdlib.Params(names...)
	if c.body {
		params = stdlib.With(params, "body", nil)
	}
	for _, name := range slices.Concat(c.optional, []string{"alt", "connector_params"}) {
		params = stdlib.With(params, name, nil)
	}
	return params
}

// connectorCallee finds a connector to call.
func connectorCallee(name string) (*callee, bool) {
	c, ok := lookupConnector(name)
	if !ok {
		return nil, false
	}
	params := c.params()
	return &callee{name, params, true, func(f *frame, args []any) (any, error) {
		named := make(map[string]any, len(args))
		for i, p := range params {
			named[p.Name] = args[i]
		}
		return c.call(f, named)
	}}, true
}

// unknownConnector describes a name that is no connector, and what is near it.
func unknownConnector(name string) (text, hint string) {
	text = fmt.Sprintf("%s is not a connector", name)
	parts := strings.SplitN(name, ".", 4)
	if len(parts) < 4 {
		return text, "a connector is called googleapis.SERVICE.VERSION.RESOURCE.METHOD"
	}
	api := strings.Join(parts[:3], ".") + "."
	var methods, apis []string
	for known := range connectorLines() {
		if strings.HasPrefix(known, api) {
			methods = append(methods, known)
		}
		apis = append(apis, strings.Join(strings.SplitN(known, ".", 4)[1:3], "."))
	}
	if len(methods) == 0 {
		slices.Sort(apis)
		return text, "connectors of the local engine: " + strings.Join(slices.Compact(apis), ", ") + "; call others with http.request"
	}
	if best := nearest(name, methods); best != "" {
		return text, "did you mean " + best + "?"
	}
	return text, "call the method with http.request"
}

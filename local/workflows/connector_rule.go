package workflows

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"orderflow.dev/local/workflows/expr"
)

// httpRule is one REST form of a gRPC method.
type httpRule struct {
	name   string // /package.Service/Method
	method protoreflect.MethodDescriptor
	verb   string
	path   *regexp.Regexp
	fields []string // that the groups of path give
	body   string   // field that the body is, "*" for the rest of the request
}

// httpRules lists the rules of all methods whose Go package is linked in.
var httpRules = sync.OnceValue(func() []*httpRule {
	var rules []*httpRule
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				rules = append(rules, rulesOf(methods.Get(j))...)
			}
		}
		return true
	})
	return rules
})

func rulesOf(m protoreflect.MethodDescriptor) []*httpRule {
	main, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if main == nil || m.IsStreamingClient() {
		return nil
	}
	var rules []*httpRule
	for _, r := range append([]*annotations.HttpRule{main}, main.GetAdditionalBindings()...) {
		rule := &httpRule{
			name: fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name()), method: m, body: r.GetBody(),
		}
		var template string
		switch p := r.GetPattern().(type) {
		case *annotations.HttpRule_Get:
			rule.verb, template = "GET", p.Get
		case *annotations.HttpRule_Put:
			rule.verb, template = "PUT", p.Put
		case *annotations.HttpRule_Post:
			rule.verb, template = "POST", p.Post
		case *annotations.HttpRule_Delete:
			rule.verb, template = "DELETE", p.Delete
		case *annotations.HttpRule_Patch:
			rule.verb, template = "PATCH", p.Patch
		default:
			continue
		}
		rule.path, rule.fields = compileTemplate(template)
		rules = append(rules, rule)
	}
	return rules
}

var templateVariable = regexp.MustCompile(`\{([\w.]+)(?:=([^}]+))?\}|\*\*|\*|[^{*]+`)

// compileTemplate turns a path such as /v1/{name=projects/*/topics/*}:publish into an expression with a group for each
// variable, and the names of these.
func compileTemplate(template string) (*regexp.Regexp, []string) {
	var fields []string
	var out strings.Builder
	for _, m := range templateVariable.FindAllStringSubmatch(template, -1) {
		switch {
		case m[1] != "":
			fields = append(fields, m[1])
			pattern := m[2]
			if pattern == "" {
				pattern = "*"
			}
			out.WriteString("(" + segments(pattern) + ")")
		default:
			out.WriteString(segments(m[0]))
		}
	}
	// A colon in the last segment begins a method of its own, such as :publish.
	text := out.String()
	for _, end := range []string{"[^/]+", "[^/]+)"} {
		if before, ok := strings.CutSuffix(text, end); ok {
			text = before + strings.Replace(end, "/", "/:", 1)
		}
	}
	return regexp.MustCompile("^" + text + "$"), fields
}

// segments writes a pattern of path segments as an expression: "*" is one segment, "**" any number of them.
func segments(pattern string) string {
	return strings.NewReplacer(`/\*\*`, `(?:/.+)?`, `\*\*`, `.*`, `\*`, `[^/]+`).Replace(regexp.QuoteMeta(pattern))
}

// findRule finds the method a request is for, and the fields its path sets. Paths alone do not tell a document of
// Firestore from a collection below it; where several rules fit, the one whose method begins with name is meant.
func findRule(verb, path, name string) (*httpRule, url.Values, bool) {
	var best *httpRule
	var found []string
	for _, r := range httpRules() {
		if r.verb != verb {
			continue
		}
		m := r.path.FindStringSubmatch(path)
		if m == nil || best != nil && !strings.HasPrefix(strings.ToLower(string(r.method.Name())), strings.ToLower(name)) {
			continue
		}
		best, found = r, m
	}
	if best == nil {
		return nil, nil, false
	}
	values := url.Values{}
	for i, field := range best.fields {
		text, err := url.PathUnescape(found[i+1])
		if err != nil {
			return nil, nil, false
		}
		values.Set(field, text)
	}
	return best, values, true
}

// request builds the request message from path, query and body by way of its JSON form.
func (r *httpRule) request(path, query url.Values, body []byte) (proto.Message, error) {
	fields := map[string]any{}
	if len(body) > 0 {
		v, err := expr.DecodeJSON(body)
		if err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		switch whole, isMap := v.(map[string]any); {
		case r.body == "":
			return nil, fmt.Errorf("it takes no body")
		case r.body != "*":
			fields[r.body] = v
		case !isMap:
			return nil, fmt.Errorf("body must be a map")
		default:
			fields = whole
		}
	}
	for _, values := range []url.Values{query, path} {
		for name, texts := range values {
			if name == "alt" || strings.HasPrefix(name, "$") {
				continue // of REST itself, not of the method
			}
			if err := setField(fields, r.method.Input(), strings.Split(name, "."), texts); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	m := newMessage(r.method.Input())
	return m, protojson.Unmarshal(text, m)
}

// setField sets a field of a message in JSON form from the texts of a parameter.
func setField(into map[string]any, of protoreflect.MessageDescriptor, path, texts []string) error {
	field := of.Fields().ByJSONName(path[0])
	if field == nil {
		field = of.Fields().ByTextName(path[0])
	}
	if field == nil {
		return fmt.Errorf("%s has no field %s", of.Name(), path[0])
	}
	name := field.JSONName()
	if len(path) > 1 {
		if field.Message() == nil || field.IsList() || field.IsMap() {
			return fmt.Errorf("%s is not a message", path[0])
		}
		inner, ok := into[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[name] = inner
		}
		return setField(inner, field.Message(), path[1:], texts)
	}
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
		if field.Kind() == protoreflect.BoolKind {
			b, err := strconv.ParseBool(t)
			if err != nil {
				return fmt.Errorf("%q is not a boolean", t)
			}
			list[i] = b
		}
	}
	if into[name] = list[0]; field.IsList() {
		into[name] = list
	}
	return nil
}

func (r *httpRule) answer() proto.Message { return newMessage(r.method.Output()) }

// newMessage makes a message of a type that is linked in.
func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err) // the file of a registered service registers its types
	}
	return t.New().Interface()
}

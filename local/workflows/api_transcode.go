package workflows

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// transcoder serves the methods of gRPC services over REST as the google.api.http
// options of their descriptors say.
type transcoder struct{ routes []route }

// route is one path of a method.
type route struct {
	verb   string
	path   *regexp.Regexp
	fields []string // of the request, one for each group of path
	body   string   // field of the request that the body is, * for all of it
	method reflect.Value
	input  protoreflect.MessageType
}

// register adds a service by its full name. Paths that its descriptor has not
// may be given by method: the mixins have theirs in each service's configuration.
func (t *transcoder) register(service string, server any, paths map[string]*annotations.HttpRule) {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		panic(err) // the service's package is linked in
	}
	methods := d.(protoreflect.ServiceDescriptor).Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		rule := paths[string(m.Name())]
		if rule == nil {
			rule, _ = proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
		}
		for _, r := range append(rule.GetAdditionalBindings(), rule) {
			t.add(r, m, reflect.ValueOf(server).MethodByName(string(m.Name())))
		}
	}
}

func (t *transcoder) add(rule *annotations.HttpRule, m protoreflect.MethodDescriptor, method reflect.Value) {
	input, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
	if err != nil {
		panic(err) // it is in the same package as the service
	}
	r := route{body: rule.GetBody(), method: method, input: input}
	var template string
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		r.verb, template = http.MethodGet, p.Get
	case *annotations.HttpRule_Post:
		r.verb, template = http.MethodPost, p.Post
	case *annotations.HttpRule_Patch:
		r.verb, template = http.MethodPatch, p.Patch
	case *annotations.HttpRule_Delete:
		r.verb, template = http.MethodDelete, p.Delete
	default:
		return
	}
	r.path, r.fields = pathPattern(template)
	t.routes = append(t.routes, r)
}

var pathVariable = regexp.MustCompile(`\{([^=}]+)=([^}]*)\}`)

// pathPattern turns a template like /v1/{name=projects/*/locations/*}:verb into a
// pattern, and gives the fields of its variables.
func pathPattern(template string) (*regexp.Regexp, []string) {
	var fields []string
	pattern := pathVariable.ReplaceAllStringFunc(template, func(v string) string {
		m := pathVariable.FindStringSubmatch(v)
		fields = append(fields, m[1])
		return "(" + strings.ReplaceAll(m[2], "*", `[^/:]+`) + ")"
	})
	return regexp.MustCompile("^" + pattern + "$"), fields
}

// serve calls the method that a request is for.
func (t *transcoder) serve(r *http.Request) (any, error) {
	for _, route := range t.routes {
		if m := route.path.FindStringSubmatch(r.URL.Path); m != nil && route.verb == r.Method {
			return route.serve(r, m[1:])
		}
	}
	return nil, status.Errorf(codes.Unimplemented, "%s %s is not supported by the local engine", r.Method, r.URL.Path)
}

func (t route) serve(r *http.Request, path []string) (any, error) {
	in := t.input.New().Interface()
	if err := t.readBody(r, in); err != nil {
		return nil, err
	}
	for key, values := range r.URL.Query() {
		if systemParameter(key) {
			continue
		}
		if err := bind(in, key, values); err != nil {
			return nil, err
		}
	}
	for i, value := range path {
		if err := bind(in, t.fields[i], []string{value}); err != nil {
			return nil, err
		}
	}
	out := t.method.Call([]reflect.Value{reflect.ValueOf(r.Context()), reflect.ValueOf(in)})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// readBody reads the body into the request or a field of it.
func (t route) readBody(r *http.Request, in proto.Message) error {
	body, err := readAll(r)
	if err != nil || t.body == "" || len(body) == 0 {
		return err
	}
	if t.body != "*" {
		m := in.ProtoReflect()
		in = m.Mutable(m.Descriptor().Fields().ByName(protoreflect.Name(t.body))).Message().Interface()
	}
	if err := protojson.Unmarshal(body, in); err != nil {
		return status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	return nil
}

// readAll reads the body of a request. The error is a gRPC status.
func readAll(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "request body: %v", err)
	}
	if len(body) > maxRequestBytes {
		return nil, status.Errorf(codes.InvalidArgument, "request body exceeds %d bytes", maxRequestBytes)
	}
	return body, nil
}

// systemParameter reports whether every Google API has a parameter
// (https://cloud.google.com/apis/docs/system-parameters).
func systemParameter(name string) bool {
	switch name {
	case "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser", "uploadType", "upload_protocol":
		return true
	}
	return strings.HasPrefix(name, "$")
}

// bind sets a field of a request from a query or path.
func bind(in proto.Message, path string, values []string) error {
	names := strings.Split(path, ".")
	d := in.ProtoReflect().Descriptor()
	var value any
	for i, name := range names {
		f := d.Fields().ByJSONName(name)
		if f == nil {
			f = d.Fields().ByName(protoreflect.Name(name))
		}
		if f == nil {
			return status.Errorf(codes.InvalidArgument, "the request has no parameter %q", path)
		}
		names[i] = f.JSONName()
		if d = f.Message(); d == nil || i == len(names)-1 {
			value = jsonValue(f, values)
			if i < len(names)-1 {
				return status.Errorf(codes.InvalidArgument, "the request has no parameter %q", path)
			}
			break
		}
	}
	for i := len(names) - 1; i >= 0; i-- {
		value = map[string]any{names[i]: value}
	}
	text, _ := json.Marshal(value)
	part := in.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(text, part); err != nil {
		return status.Errorf(codes.InvalidArgument, "parameter %s: %v", path, err)
	}
	proto.Merge(in, part)
	return nil
}

var wholeNumber = regexp.MustCompile(`^\d{1,9}$`)

// jsonValue is the JSON of a parameter: protojson reads numbers and well-known
// types from strings, but neither booleans nor the numbers of enumerations.
func jsonValue(f protoreflect.FieldDescriptor, values []string) any {
	text := values[len(values)-1]
	switch {
	case f.IsList():
		return values
	case f.Kind() == protoreflect.BoolKind && (text == "true" || text == "false"),
		f.Kind() == protoreflect.EnumKind && wholeNumber.MatchString(text):
		return json.RawMessage(text)
	}
	return text
}

// enumNumbers reports whether a client wants enumerations as numbers, as Google's
// Go clients do.
func enumNumbers(q url.Values) bool {
	return strings.Contains(q.Get("$alt"), "enum-encoding=int")
}

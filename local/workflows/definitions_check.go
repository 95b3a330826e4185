package workflows

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"cloud.google.com/go/workflows/apiv1/workflowspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of a workflow resource, from its API reference.
const (
	maxDescription = 1000 // characters
	maxLabels      = 64
	maxLabel       = 63      // characters of a key or value
	maxEnv         = 20      // variables
	maxEnvBytes    = 4 << 10 // of a name or value
)

// mutable are the fields that a caller may set, and whether they belong to a
// revision: the reference says so of the source, the service account and the
// environment.
var mutable = map[string]bool{
	"description": false, "labels": false, "call_log_level": false, "execution_history_level": false,
	"crypto_key_name": false, "source_contents": true, "service_account": true, "user_env_vars": true,
}

// sourceFile names a definition in messages, as the service does.
const sourceFile = "main.yaml"

// compileSource compiles the source of a workflow. The error is a gRPC status.
func (e *Engine) compileSource(w *workflowspb.Workflow) (*Workflow, error) {
	compiled, err := e.options.Limits.Compile(sourceFile, []byte(w.GetSourceContents()))
	var problems Problems
	if errors.As(err, &problems) {
		return nil, status.Error(codes.InvalidArgument, problems.Error())
	}
	return compiled, err
}

// setField copies a field, also an unset one.
func copyField(to, from *workflowspb.Workflow, path string) {
	f := workflowField(path)
	if from.ProtoReflect().Has(f) {
		to.ProtoReflect().Set(f, proto.CloneOf(from).ProtoReflect().Get(f))
	} else {
		to.ProtoReflect().Clear(f)
	}
}

func sameField(a, b *workflowspb.Workflow, path string) bool {
	f := workflowField(path)
	return a.ProtoReflect().Get(f).Equal(b.ProtoReflect().Get(f))
}

func workflowField(path string) protoreflect.FieldDescriptor {
	return (*workflowspb.Workflow)(nil).ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(path))
}

// updatePaths reads an update mask; all fields without one. The error is a gRPC
// status.
func updatePaths(mask []string) ([]string, error) {
	if len(mask) == 0 || slices.Equal(mask, []string{"*"}) {
		return slices.Sorted(maps.Keys(mutable)), nil
	}
	for _, path := range mask {
		if _, ok := mutable[path]; !ok {
			return nil, status.Errorf(codes.InvalidArgument, "update mask names %q, which is none of %s", path,
				strings.Join(slices.Sorted(maps.Keys(mutable)), ", "))
		}
	}
	return mask, nil
}

var workflowID = regexp.MustCompile(`^[a-zA-Z]([-_a-zA-Z0-9]{0,62}[a-zA-Z0-9])?$`)

// checkWorkflow says what of a workflow breaks the rules of its reference. The
// error is a gRPC status.
func checkWorkflow(w *workflowspb.Workflow) error {
	if w.GetSourceContents() == "" {
		return status.Error(codes.InvalidArgument, "workflow has no source: set source_contents")
	}
	if n := utf8.RuneCountInString(w.GetDescription()); n > maxDescription {
		return status.Errorf(codes.InvalidArgument, "description has %d characters, the limit is %d", n, maxDescription)
	}
	if err := checkEnv(w.GetUserEnvVars()); err != nil {
		return err
	}
	return checkLabels(w.GetLabels())
}

func checkEnv(env map[string]string) error {
	if len(env) > maxEnv {
		return status.Errorf(codes.InvalidArgument, "there are %d environment variables, the limit is %d", len(env), maxEnv)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		switch {
		case name == "" || strings.HasPrefix(name, "GOOGLE") || strings.HasPrefix(name, "WORKFLOWS"):
			return status.Errorf(codes.InvalidArgument,
				"environment variable %q: its name must neither be empty nor begin with GOOGLE or WORKFLOWS", name)
		case len(name) > maxEnvBytes || len(env[name]) > maxEnvBytes:
			return status.Errorf(codes.InvalidArgument,
				"environment variable %.40q: name and value may have %d bytes each", name, maxEnvBytes)
		}
	}
	return nil
}

// checkLabels checks the labels of a workflow or an execution.
func checkLabels(labels map[string]string) error {
	if n := len(labels); n > maxLabels {
		return status.Errorf(codes.InvalidArgument, "there are %d labels, the limit is %d", n, maxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		first, _ := utf8.DecodeRuneInString(key)
		if !unicode.IsLetter(first) || !isLabel(key) || !isLabel(labels[key]) {
			return status.Errorf(codes.InvalidArgument, "label %q: %q: keys and values are lower-case letters, digits, _ and - "+
				"of at most %d characters, and a key begins with a letter", key, labels[key], maxLabel)
		}
	}
	return nil
}

func isLabel(s string) bool {
	return utf8.RuneCountInString(s) <= maxLabel && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsUpper(r) || !unicode.In(r, unicode.Letter, unicode.Number, unicode.Mark) && r != '_' && r != '-'
	})
}

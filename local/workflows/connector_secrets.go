package workflows

import (
	"encoding/base64"
	"unicode/utf8"

	"orderflow.dev/local/workflows/expr"
	"orderflow.dev/local/workflows/stdlib"
)

// Names of the helpers, and what they begin with.
const (
	secrets  = "googleapis.secretmanager.v1.projects.secrets."
	readText = "versions.accessString"
	addText  = "addVersionString"
)

// registerSecrets adds the helpers of Secret Manager that take and give text where the API has base64. The reference
// lets expressions call them.
func registerSecrets() {
	add := func(name string, params []stdlib.Param, invoke func(f *frame, args []any) (any, error)) {
		functions[secrets+name] = &callee{secrets + name, params, false, invoke}
	}
	params := stdlib.With(stdlib.With(stdlib.Params("secret_id"), "version", "latest"), "project_id", nil)
	add(readText, params, accessString)
	add(addText, stdlib.With(stdlib.Params("secret_id", "data"), "project_id", nil), addVersionString)
}

// accessString reads a version of a secret, which must be UTF-8.
func accessString(f *frame, args []any) (any, error) {
	name, err := secretName(f, args[0], args[2])
	if err != nil {
		return nil, err
	}
	version, ok := plain(args[1])
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument version must be a string, got %s", expr.TypeName(args[1]))
	}
	access, _ := lookupConnector("googleapis.secretmanager.v1.projects.secrets.versions.access")
	v, err := access.call(f, map[string]any{"name": name + "/versions/" + version})
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	payload, _ := m["payload"].(map[string]any)
	text, _ := payload["data"].(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !utf8.Valid(data) {
		return nil, expr.Errorf(expr.TagValue, "secret %s is not UTF-8 text; use versions.access", name)
	}
	return string(data), nil
}

// addVersionString adds a version with a text.
func addVersionString(f *frame, args []any) (any, error) {
	name, err := secretName(f, args[0], args[2])
	if err != nil {
		return nil, err
	}
	data, ok := args[1].(string)
	if !ok {
		return nil, expr.Errorf(expr.TagType, "argument data must be a string, got %s", expr.TypeName(args[1]))
	}
	add, _ := lookupConnector("googleapis.secretmanager.v1.projects.secrets.addVersion")
	payload := map[string]any{"data": base64.StdEncoding.EncodeToString([]byte(data))}
	return add.call(f, map[string]any{"parent": name, "body": map[string]any{"payload": payload}})
}

// secretName names a secret, in the project of the engine unless it says otherwise.
func secretName(f *frame, id, project any) (string, error) {
	if project == nil {
		project = f.ex.engine.options.Project
	}
	secret, ok1 := id.(string)
	in, ok2 := project.(string)
	if !ok1 || !ok2 {
		return "", expr.Errorf(expr.TagType, "secret_id and project_id must be strings, got %s and %s",
			expr.TypeName(id), expr.TypeName(project))
	}
	return "projects/" + in + "/secrets/" + secret, nil
}

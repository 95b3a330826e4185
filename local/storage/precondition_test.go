package storage_test

import (
	"testing"

	"orderflow.dev/local/storage"
)

// method is one that has preconditions on the object "o", or on the source "o".
type method struct {
	name string
	ask  func(b *bench, kind, value string) answer // kind is GenerationMatch
	not  int                                       // status if NotMatch does not hold; 0 if the method does not know it
}

func query(httpMethod, path, prefix, body string, headers ...string) func(*bench, string, string) answer {
	return func(b *bench, kind, value string) answer {
		return b.ask(httpMethod, path+"&"+prefix+kind+"="+value, body, headers...)
	}
}

func xmlHeader(b *bench, kind, value string) answer {
	name := map[string]string{"GenerationMatch": "X-Goog-If-Generation-Match", "MetagenerationMatch": "X-Goog-If-Metageneration-Match"}[kind]
	return b.ask("GET", "/bucket/o", "", name, value)
}

var (
	content, contentType = multipart(`{"name":"o"}`, "x")
	creating             = []method{
		{"media", query("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name=o", "if", "x"), 412},
		{"multipart", query("POST", "/upload/storage/v1/b/bucket/o?uploadType=multipart", "if", content, "Content-Type", contentType), 412},
		{"resumable", query("POST", "/upload/storage/v1/b/bucket/o?uploadType=resumable&name=o", "if", ""), 412},
		{"rewrite", query("POST", objectPath("source")+"/rewriteTo/b/bucket/o/o?alt=json", "if", ""), 412},
		{"copy", query("POST", objectPath("source")+"/copyTo/b/bucket/o/o?alt=json", "if", ""), 412},
		{"compose", query("POST", objectPath("o")+"/compose?alt=json", "if", `{"sourceObjects":[{"name":"source"}]}`), 0},
	}
	using = []method{
		{"get", query("GET", objectPath("o")+"?alt=json", "if", ""), 304},
		{"read", query("GET", objectPath("o")+"?alt=media", "if", ""), 304},
		{"read by XML", xmlHeader, 0},
		{"patch", query("PATCH", objectPath("o")+"?alt=json", "if", "{}"), 412},
		{"update", query("PUT", objectPath("o")+"?alt=json", "if", "{}"), 412},
		{"delete", query("DELETE", objectPath("o")+"?alt=json", "if", ""), 412},
		{"rewrite from", query("POST", objectPath("o")+"/rewriteTo/b/bucket/o/to?alt=json", "ifSource", ""), 412},
		{"copy from", query("POST", objectPath("o")+"/copyTo/b/bucket/o/to?alt=json", "ifSource", ""), 412},
	}
)

// fresh makes an object whose metageneration is 2, and answers its numbers by kind of precondition.
func (b *bench) fresh() map[string]string {
	b.t.Helper()
	b.put("o", "x")
	o := b.ask("PATCH", objectPath("o"), `{"metadata":{"k":"v"}}`).resource(b.t)
	return map[string]string{"Generation": o.Generation, "Metageneration": o.Metageneration}
}

func (b *bench) wantDone(what string, a answer) {
	b.t.Helper()
	if a.status != 200 && a.status != 204 {
		b.t.Errorf("%s: answer %d %s", what, a.status, a.body)
	}
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.put("source", "y")
	for _, m := range append(creating, using...) {
		for _, number := range []string{"Generation", "Metageneration"} {
			is := b.fresh()
			b.want(m.name+" if another "+number, m.ask(b, number+"Match", "1"), 412, "")
			b.wantDone(m.name+" if the "+number, m.ask(b, number+"Match", is[number]))
			if m.not == 0 {
				continue
			}
			is = b.fresh()
			b.want(m.name+" if not the "+number, m.ask(b, number+"NotMatch", is[number]), m.not, "")
			b.wantDone(m.name+" if not another "+number, m.ask(b, number+"NotMatch", "1"))
		}
		b.fresh()
		b.want(m.name+" if there is none", m.ask(b, "GenerationMatch", "0"), 412, "")
		b.want(m.name+" if no number", m.ask(b, "GenerationMatch", "x"), 400, "")
	}
}

func TestPreconditionsOnNothing(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	b.put("source", "y")
	for _, m := range creating {
		b.ask("DELETE", objectPath("o"), "")
		b.want(m.name, m.ask(b, "GenerationMatch", "5"), 412, "conditionNotMet")
		b.want(m.name, m.ask(b, "MetagenerationMatch", "1"), 412, "conditionNotMet")
		b.want(m.name+" if there is none", m.ask(b, "GenerationMatch", "0"), 200, "")
	}
	b.ask("DELETE", objectPath("o"), "")
	for _, m := range using {
		b.want(m.name, m.ask(b, "GenerationMatch", "0"), 404, "")
	}
}

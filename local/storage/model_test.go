package storage_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"sort"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orderflow.dev/local/storage"
)

// model is what must be there: an object's content, generation and metageneration by name.
type model map[string]*modelled

type modelled struct {
	content, generation string
	metageneration      int
}

// TestAnythingInAnyOrder does what clients do in any order, with servers that end in between, and compares with a model.
func TestAnythingInAnyOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		b := start(t, storage.Options{Dir: dir})
		m := model{}
		names := rapid.SampledFrom([]string{"a", "a/b", "a/c", "é", "b"})
		// generations a client may believe in: none, the live one, one that never was
		believed := func(name string) (query string, holds bool) {
			switch live := m[name]; rapid.IntRange(0, 3).Draw(rt, "belief") {
			case 0:
				return "&ifGenerationMatch=0", live == nil
			case 1:
				return "&ifGenerationMatch=1", false
			case 2:
				if live != nil {
					return "&ifGenerationMatch=" + live.generation, true
				}
			}
			return "", true
		}
		rt.Repeat(map[string]func(*rapid.T){
			"write": func(rt *rapid.T) {
				name, content := names.Draw(rt, "name"), rapid.String().Draw(rt, "content")
				query, holds := believed(name)
				m.take(rt, name, content, holds, b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=media&name="+url.QueryEscape(name)+query, content))
			},
			"copy": func(rt *rapid.T) {
				from, to := names.Draw(rt, "from"), names.Draw(rt, "to")
				query, holds := believed(to)
				a := b.ask("POST", objectPath(url.PathEscape(from))+"/copyTo/b/bucket/o/"+url.PathEscape(to)+"?alt=json"+query, "")
				if source := m[from]; source != nil {
					m.take(rt, to, source.content, holds, a)
				} else if a.status != 404 {
					rt.Fatalf("copy of nothing: %d", a.status)
				}
			},
			"patch": func(rt *rapid.T) {
				name := names.Draw(rt, "name")
				query, holds := believed(name)
				a := b.ask("PATCH", objectPath(url.PathEscape(name))+"?alt=json"+query, `{"metadata":{"k":"v"}}`)
				if m.used(rt, name, holds, 200, a) {
					m[name].metageneration++
				}
			},
			"delete": func(rt *rapid.T) {
				name := names.Draw(rt, "name")
				query, holds := believed(name)
				a := b.ask("DELETE", objectPath(url.PathEscape(name))+"?alt=json"+query, "")
				if m.used(rt, name, holds, 204, a) {
					delete(m, name)
				}
			},
			"restart": func(*rapid.T) { b.restart() },
			"":        func(rt *rapid.T) { m.check(rt, b) },
		})
	})
}

// take says what creating an object must answer, and remembers it.
func (m model) take(rt *rapid.T, name, content string, holds bool, a answer) {
	if !holds {
		if a.status != 412 {
			rt.Fatalf("%s: %d %s, want 412", name, a.status, a.body)
		}
		return
	}
	var o resource
	if a.status != 200 {
		rt.Fatalf("%s: %d %s", name, a.status, a.body)
	}
	unmarshal(rt, a.body, &o)
	if o.CRC32C != crc32c(content) || o.MD5Hash != md5Hash(content) {
		rt.Fatalf("%s: %+v", name, o)
	}
	m[name] = &modelled{content, o.Generation, 1}
}

// used says what using an object must answer, and whether it was done.
func (m model) used(rt *rapid.T, name string, holds bool, done int, a answer) bool {
	want := done
	if m[name] == nil {
		want = 404
	} else if !holds {
		want = 412
	}
	if a.status != want {
		rt.Fatalf("%s: %d %s, want %d", name, a.status, a.body, want)
	}
	return want == done
}

func (m model) check(rt *rapid.T, b *bench) {
	var want []string
	for name, o := range m {
		want = append(want, fmt.Sprintf("%s %s %d", name, o.generation, o.metageneration))
		if a := b.ask("GET", "/bucket/"+url.PathEscape(name), ""); a.body != o.content || a.status != 200 {
			rt.Fatalf("%s has %q, want %q", name, a.body, o.content)
		}
	}
	var got struct{ Items []resource }
	unmarshal(rt, b.ask("GET", "/storage/v1/b/bucket/o", "").body, &got)
	var have []string
	for _, o := range got.Items {
		have = append(have, fmt.Sprintf("%s %s %s", o.Name, o.Generation, o.Metageneration))
	}
	sort.Strings(want)
	if strings.Join(have, "\n") != strings.Join(want, "\n") {
		rt.Fatalf("listed %q, want %q", have, want)
	}
	if n := b.files("data"); n != len(m) {
		rt.Fatalf("%d files of content for %d objects", n, len(m))
	}
}

func unmarshal(rt *rapid.T, text string, v any) {
	if err := json.Unmarshal([]byte(text), v); err != nil {
		rt.Fatalf("%s: %v", text, err)
	}
}

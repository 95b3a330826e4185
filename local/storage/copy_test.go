package storage_test

import (
	"fmt"
	"testing"

	"orderflow.dev/local/storage"
)

func TestComposePinsItsSources(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	one, two := b.put("1", "one"), b.put("2", "two")
	ask := func(sources string) answer {
		return b.ask("POST", objectPath("o")+"/compose", `{"kind":"storage#composeRequest","destination":{"contentType":"text/csv","metadata":{"k":"v"}},"sourceObjects":[`+sources+`]}`)
	}
	source := func(name, generation, match string) string {
		return fmt.Sprintf(`{"name":%q,"generation":%q,"objectPreconditions":{"ifGenerationMatch":%q}}`, name, generation, match)
	}
	o := ask(source("1", one.Generation, one.Generation) + `,{"name":"2"}`).resource(t)
	if o.Size != "6" || o.ComponentCount != 2 || o.MD5Hash != "" || o.CRC32C != crc32c("onetwo") || o.ContentType != "text/csv" || o.Metadata["k"] != "v" {
		t.Errorf("composed %+v", o)
	}
	b.want("another generation", ask(source("1", two.Generation, "0")), 404, "generation")
	b.want("a precondition", ask(source("1", one.Generation, two.Generation)), 412, "conditionNotMet")
	b.want("no sources", ask(""), 400, "not between 1 and 32")
	b.want("a field of it", b.ask("POST", objectPath("o")+"/compose", `{"deleteSourceObjects":true}`), 501, "deleteSourceObjects")
	again := ask(`{"name":"o"},{"name":"1"}`).resource(t)
	if again.ComponentCount != 3 {
		t.Errorf("composed of composed: %+v", again)
	}
}

func TestCopiesTakeMetadataOrAreGivenIt(t *testing.T) {
	t.Parallel()
	b := start(t, storage.Options{})
	body, contentType := multipart(`{"name":"o","contentType":"text/csv","metadata":{"k":"v"}}`, "x")
	o := b.ask("POST", "/upload/storage/v1/b/bucket/o?uploadType=multipart", body, "Content-Type", contentType).resource(t)
	kept := b.ask("POST", objectPath("o")+"/copyTo/b/other/o/kept?sourceGeneration="+o.Generation, "").resource(t)
	if kept.ContentType != "text/csv" || kept.Metadata["k"] != "v" || kept.Bucket != "other" || kept.MD5Hash != o.MD5Hash {
		t.Errorf("copy %+v", kept)
	}
	given := b.ask("POST", objectPath("o")+"/copyTo/b/other/o/given", `{"contentType":"text/plain"}`).resource(t)
	if given.ContentType != "text/plain" || given.Metadata != nil {
		t.Errorf("copy %+v", given)
	}
	a := b.ask("POST", objectPath("o")+"/rewriteTo/b/other/o/rewritten", "")
	b.want("rewrite", a, 200, `"done":true`)
	b.want("rewrite", a, 200, `"totalBytesRewritten":"1"`)
	b.want("rewritten in parts", b.ask("POST", objectPath("o")+"/rewriteTo/b/other/o/o?maxBytesRewrittenPerCall=1048576", ""), 501, "maxBytesRewrittenPerCall")
}

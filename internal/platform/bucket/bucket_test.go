package bucket_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/bucket"
	"orderflow.dev/internal/platform/object"
)

const mib = 1 << 20

func TestWhatIsWrittenIsThere(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	for _, size := range []int{0, 1, 256 << 10, 4*mib - 1, 4 * mib, 4*mib + 1, 8 * mib, 9*mib + 7} {
		name := fmt.Sprintf("dir/über %d?#%%2F//..", size)
		content := strings.Repeat("0123456789", size/10+1)[:size]
		w := b.Create(t.Context(), name, "text/csv", map[string]string{"import": "i1"})
		written := write(t, w, content)
		want := object.Object{
			Bucket: b.Name(), Name: name, Generation: written.Generation, Size: int64(size), ContentType: "text/csv",
			Metadata: map[string]string{"import": "i1"}, Created: written.Created,
		}
		if diff := cmp.Diff(want, written); diff != "" || written.Generation == 0 || time.Since(written.Created) > time.Minute {
			t.Errorf("%d bytes: written (-want +got):\n%s", size, diff)
		}
		for _, generation := range []int64{0, written.Generation} {
			there, err := b.Stat(t.Context(), name, generation)
			if diff := cmp.Diff(written, there); diff != "" || err != nil {
				t.Errorf("%d bytes, generation %d: error %v, there (-written +there):\n%s", size, generation, err, diff)
			}
		}
		wantContent(t, b, name, content)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	o := create(t, b, "o", "0123456789")
	create(t, b, "empty", "")
	for _, c := range []struct {
		name           string
		offset, length int64
		want           string
		code           codes.Code
	}{
		{"o", 0, -1, "0123456789", codes.OK}, {"o", 3, -1, "3456789", codes.OK}, {"o", 9, -1, "9", codes.OK},
		{"o", 0, 4, "0123", codes.OK}, {"o", 4, 3, "456", codes.OK}, {"o", 8, 100, "89", codes.OK}, {"o", 5, 0, "", codes.OK},
		{"o", 10, -1, "", codes.OutOfRange}, {"o", 11, 1, "", codes.OutOfRange},
		{"o", -1, -1, "", codes.InvalidArgument}, {"o", 0, -2, "", codes.InvalidArgument},
		{"empty", 0, -1, "", codes.OK}, {"none", 0, -1, "", codes.NotFound},
	} {
		got, err := read(t.Context(), b, c.name, 0, c.offset, c.length)
		if got != c.want || fault.Code(err) != c.code {
			t.Errorf("%s, %d bytes from %d: %q, error %v, want %q and %s", c.name, c.length, c.offset, got, err, c.want, c.code)
		}
	}
	if got, err := read(t.Context(), b, "o", o.Generation, 2, 2); got != "23" {
		t.Errorf("of the generation: %q, error %v", got, err)
	}
}

func TestAGenerationIsOneContent(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	first := create(t, b, "o", "first")
	second := replace(t, b, "o", "second")
	if second.Generation <= first.Generation {
		t.Errorf("generations %d and %d", first.Generation, second.Generation)
	}
	_, err := b.Stat(t.Context(), "o", first.Generation)
	wantCode(t, "Stat of what was replaced", err, codes.NotFound)
	_, err = read(t.Context(), b, "o", first.Generation, 0, -1)
	wantCode(t, "Read of what was replaced", err, codes.NotFound)

	if err := b.Delete(t.Context(), "o", first.Generation); err != nil {
		t.Errorf("Delete of what was replaced: %v", err)
	}
	wantContent(t, b, "o", "second")
	for range 2 { // gone already is fine
		if err := b.Delete(t.Context(), "o", second.Generation); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}
	_, err = b.Stat(t.Context(), "o", 0)
	wantCode(t, "Stat of what was deleted", err, codes.NotFound)
	wantCode(t, "Delete of whatever is there", b.Delete(t.Context(), "o", 0), codes.InvalidArgument)
}

// TestReplacedWhileRead: a reader sees one content, or is told that it is gone.
func TestReplacedWhileRead(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	o := create(t, b, "o", strings.Repeat("a", 16*mib))
	r, err := b.Read(t.Context(), "o", o.Generation, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.CopyN(io.Discard, r, 100); err != nil {
		t.Fatal(err)
	}
	replace(t, b, "o", strings.Repeat("b", 16*mib))
	rest, err := io.ReadAll(r)
	if strings.Trim(string(rest), "a") != "" {
		t.Error("two contents are mixed")
	}
	if err == nil && len(rest) != 16*mib-100 {
		t.Errorf("the rest has %d bytes", len(rest))
	} else if err != nil {
		wantCode(t, "Read", err, codes.NotFound)
	}
}

func TestOneOfManyCreates(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		made []string
	)
	for i := range 20 {
		content := fmt.Sprint("writer ", i) + strings.Repeat(".", i%2*5*mib) // in one request, and resumable
		wg.Go(func() {
			w := b.Create(t.Context(), "o", "text/plain", nil)
			defer w.Abort()
			_, err := io.WriteString(w, content)
			if closeErr := w.Close(); err == nil {
				err = closeErr
			}
			if err == nil {
				mu.Lock()
				made = append(made, content)
				mu.Unlock()
			} else if fault.Code(err) != codes.AlreadyExists || fault.Reason(err) != "object_exists" {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if len(made) != 1 {
		t.Fatalf("%d of 20 created it, want 1", len(made))
	}
	wantContent(t, b, "o", made[0])
}

func TestNothingIsCreatedWithoutClose(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	for _, size := range []int{0, 10, 5 * mib, 9 * mib} {
		w := b.Create(t.Context(), "o", "text/plain", nil)
		if _, err := io.WriteString(w, strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		wantCode(t, "Close after Abort", w.Close(), codes.Canceled)

		ctx, cancel := context.WithCancel(t.Context())
		w = b.Create(ctx, "o", "text/plain", nil)
		if _, err := io.WriteString(w, strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
		cancel()
		wantCode(t, "Close after the context's end", w.Close(), codes.Canceled)
	}
	if _, err := b.Stat(t.Context(), "o", 0); fault.Code(err) != codes.NotFound {
		t.Errorf("Stat: %v", err)
	}
	w := b.Create(t.Context(), "o", "text/plain", nil)
	write(t, w, "x")
	w.Abort() // after Close it does nothing
	wantContent(t, b, "o", "x")
}

func TestList(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	all := map[string]object.Object{}
	for _, name := range []string{"a", "in/1", "in/10", "in/2", "in/é", "in/\U0001F600", "in0", "out"} {
		all[name] = create(t, b, name, name)
	}
	for _, prefix := range []string{"", "in/", "in/1", "a", "none", "z"} {
		var want []string
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if strings.HasPrefix(name, prefix) {
				want = append(want, name)
			}
		}
		for limit := 1; limit <= 9; limit++ {
			var got []string
			for after := ""; ; {
				objects, next, err := b.List(t.Context(), prefix, after, limit)
				if err != nil || len(objects) > limit || next != "" && next != objects[len(objects)-1].Name {
					t.Fatalf("%q after %q: %d objects, next %q, error %v", prefix, after, len(objects), next, err)
				}
				for _, o := range objects {
					if diff := cmp.Diff(all[o.Name], o); diff != "" {
						t.Errorf("listed (-want +got):\n%s", diff)
					}
					got = append(got, o.Name)
				}
				if after = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("prefix %q by %d: %q, want %q", prefix, limit, got, want)
			}
		}
	}
	if objects, _, err := b.List(t.Context(), "in/", "in/15", 1); err != nil || objects[0].Name != "in/2" {
		t.Errorf("after a name that is none: %v, error %v", objects, err)
	}
	_, _, err := b.List(t.Context(), "", "", 0)
	wantCode(t, "no limit", err, codes.InvalidArgument)
}

func TestABucketThatIsNone(t *testing.T) {
	t.Parallel()
	b := open(t, "no-such-bucket")
	_, err := b.Stat(t.Context(), "o", 0)
	wantCode(t, "Stat", err, codes.NotFound)
	_, err = b.Read(t.Context(), "o", 0, 0, -1)
	wantCode(t, "Read", err, codes.NotFound)
	_, _, err = b.List(t.Context(), "", "", 1)
	wantCode(t, "List", err, codes.NotFound)
	w := b.Create(t.Context(), "o", "", nil)
	wantCode(t, "Create", w.Close(), codes.NotFound)
	for _, name := range []string{"", "a/b", "a b"} {
		if _, err := bucket.Open(t.Context(), name); fault.Code(err) != codes.InvalidArgument {
			t.Errorf("Open(%q): %v", name, err)
		}
	}
}

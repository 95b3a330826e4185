package bucket_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/platform/object"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	b, other := newBucket(t), newBucket(t)
	source := write(t, b.Create(t.Context(), "source", "text/csv", map[string]string{"k": "v"}), "content")
	copied, err := b.Copy(t.Context(), "source", source.Generation, other, "copy/of")
	if err != nil {
		t.Fatal(err)
	}
	want := object.Object{
		Bucket: other.Name(), Name: "copy/of", Generation: copied.Generation, Size: 7, ContentType: "text/csv",
		Metadata: map[string]string{"k": "v"}, Created: copied.Created,
	}
	if diff := cmp.Diff(want, copied); diff != "" || copied.Generation <= source.Generation {
		t.Errorf("copy (-want +got):\n%s", diff)
	}
	wantContent(t, other, "copy/of", "content")

	again, err := b.Copy(t.Context(), "source", source.Generation, other, "copy/of")
	if diff := cmp.Diff(copied, again); diff != "" || fault.Code(err) != codes.AlreadyExists {
		t.Errorf("a second copy: error %v, what is there (-want +got):\n%s", err, diff)
	}
	replace(t, b, "source", "other content")
	_, err = b.Copy(t.Context(), "source", source.Generation, other, "late")
	wantCode(t, "Copy of what was replaced", err, codes.NotFound)
	_, err = b.Copy(t.Context(), "none", 1, other, "late")
	wantCode(t, "Copy of nothing", err, codes.NotFound)
	_, err = b.Copy(t.Context(), "source", 0, other, "late")
	wantCode(t, "Copy of whatever is there", err, codes.InvalidArgument)
	_, err = other.Stat(t.Context(), "late", 0)
	wantCode(t, "what was not copied", err, codes.NotFound)
}

func TestCompose(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	parts := []object.Object{create(t, b, "1", "one,"), create(t, b, "2", ""), create(t, b, "3", "three")}
	whole, err := b.Compose(t.Context(), "whole", "text/csv", parts)
	if err != nil || whole.Size != 9 || whole.ContentType != "text/csv" {
		t.Fatalf("composed %+v, error %v", whole, err)
	}
	wantContent(t, b, "whole", "one,three")
	again, err := b.Compose(t.Context(), "whole", "text/csv", parts)
	if fault.Code(err) != codes.AlreadyExists || again.Generation != whole.Generation {
		t.Errorf("a second time: %+v, error %v", again, err)
	}
	replace(t, b, "2", "two,")
	_, err = b.Compose(t.Context(), "late", "text/csv", parts)
	wantCode(t, "a part that was replaced", err, codes.NotFound)
	_, err = b.Compose(t.Context(), "none", "text/csv", nil)
	wantCode(t, "no parts", err, codes.InvalidArgument)
	_, err = b.Compose(t.Context(), "none", "text/csv", slices.Repeat(parts[:1], 33))
	wantCode(t, "too many parts", err, codes.InvalidArgument)
	_, err = b.Compose(t.Context(), "none", "text/csv", []object.Object{{Name: "1"}})
	wantCode(t, "a part of any generation", err, codes.InvalidArgument)
}

package pubsub

import (
	"encoding/base64"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// merge copies the fields of a mask from one message to another of the same type. The first names of the paths must
// be among the mutable.
func merge(to, from proto.Message, mask *fieldmaskpb.FieldMask, mutable ...string) error {
	if len(mask.GetPaths()) == 0 {
		return invalid("update_mask is empty; name the fields to change")
	}
	for _, path := range mask.GetPaths() {
		names := strings.Split(path, ".")
		if !slices.Contains(mutable, names[0]) {
			return invalid("update_mask: %q is not a field that can be changed", path)
		}
		if !mergePath(to.ProtoReflect(), from.ProtoReflect(), names) {
			return invalid("update_mask: there is no field %q", path)
		}
	}
	return nil
}

// mergePath says whether there is such a field.
func mergePath(to, from protoreflect.Message, names []string) bool {
	f := to.Descriptor().Fields().ByName(protoreflect.Name(names[0]))
	switch {
	case f == nil:
		return false
	case len(names) > 1 && (f.Message() == nil || f.IsMap() || f.IsList()):
		return false
	case len(names) > 1:
		return mergePath(to.Mutable(f).Message(), from.Get(f).Message(), names[1:])
	case from.Has(f):
		to.Set(f, from.Get(f))
	default:
		to.Clear(f)
	}
	return true
}

const (
	defaultPage = 100
	maxPage     = 1000
)

// page answers those of the sorted names that are on the page, and the next page's token.
func page(names []string, size int32, token string) ([]string, string, error) {
	after, err := base64.URLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", invalid("page_token %q is not one of mine", token)
	}
	if size < 0 {
		return nil, "", invalid("page_size is %d", size)
	}
	if size == 0 {
		size = defaultPage
	}
	names = slices.DeleteFunc(names, func(name string) bool { return token != "" && name <= string(after) })
	if n := int(min(size, maxPage)); len(names) > n {
		return names[:n], base64.URLEncoding.EncodeToString([]byte(names[n-1])), nil
	}
	return names, "", nil
}

// within are the names that are in a project, sorted.
func within[T any](project string, all map[string]T) []string {
	var names []string
	for name := range all {
		if strings.HasPrefix(name, project+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

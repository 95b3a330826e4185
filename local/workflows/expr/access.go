package expr

import (
	"maps"
	"slices"
	"strconv"
)

// Property reads m.key.
func Property(v any, name string) (any, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, Errorf(TagType, "property %q of a value of type %s: not a map", name, TypeName(v))
	}
	e, ok := m[name]
	if !ok {
		return nil, Errorf(TagKey, "key not found: %s", name)
	}
	return e, nil
}

// Element reads v[k] from a map or a list.
func Element(v, k any) (any, error) {
	switch c := v.(type) {
	case map[string]any:
		name, err := key(k)
		if err != nil {
			return nil, err
		}
		return Property(c, name)
	case []any:
		i, err := offset(c, k)
		if err != nil {
			return nil, err
		}
		return c[i], nil
	}
	return nil, Errorf(TagType, "element of a value of type %s: neither a map nor a list", TypeName(v))
}

// key turns a map key into its text. Integer keys are legal in YAML maps, and
// JSON has only text keys, so an integer means its decimal spelling.
func key(k any) (string, error) {
	switch x := k.(type) {
	case string:
		return x, nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	}
	return "", Errorf(TagType, "key of a map must be a string, got %s", TypeName(k))
}

// offset checks a list index; negative ones do not count from the end.
func offset(list []any, k any) (int, error) {
	i, ok := k.(int64)
	if !ok {
		return 0, Errorf(TagType, "index of a list must be an integer, got %s", TypeName(k))
	}
	if i < 0 || i >= int64(len(list)) {
		return 0, Errorf(TagIndex, "index %d is out of range for a list of length %d", i, len(list))
	}
	return int(i), nil
}

// Set gives a copy of v in which the element at path is value; it copies only
// the containers along the path. An absent last key is created, absent
// containers on the way are not: KeyError.
func Set(v any, path []any, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch c := v.(type) {
	case map[string]any:
		return setKey(c, path, value)
	case []any:
		i, err := offset(c, path[0])
		if err != nil {
			return nil, err
		}
		e, err := Set(c[i], path[1:], value)
		if err != nil {
			return nil, err
		}
		list := slices.Clone(c)
		list[i] = e
		return list, nil
	}
	return nil, Errorf(TagType, "cannot assign an element of a value of type %s", TypeName(v))
}

func setKey(m map[string]any, path []any, value any) (any, error) {
	name, err := key(path[0])
	if err != nil {
		return nil, err
	}
	old, ok := m[name]
	if !ok && len(path) > 1 {
		return nil, Errorf(TagKey, "key not found: %s", name)
	}
	e, err := Set(old, path[1:], value)
	if err != nil {
		return nil, err
	}
	m = maps.Clone(m)
	m[name] = e
	return m, nil
}

package schema

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Compatible says why one schema may not follow another as a revision of it, or nil. Optional fields may come and go;
// nothing else may change (https://cloud.google.com/pubsub/docs/commit-schema-revision).
func Compatible(before, after *Schema) error {
	c := comparison{seen: map[protoreflect.FullName]bool{}}
	return c.messages(before.root, after.root)
}

// comparison remembers which messages it has compared, as they may contain themselves.
type comparison struct {
	seen map[protoreflect.FullName]bool
}

func (c comparison) messages(before, after protoreflect.MessageDescriptor) error {
	if before.FullName() != after.FullName() {
		return fmt.Errorf("message %s became %s", before.FullName(), after.FullName())
	}
	if c.seen[before.FullName()] {
		return nil
	}
	c.seen[before.FullName()] = true
	for i := range before.Fields().Len() {
		old := before.Fields().Get(i)
		if err := c.fields(old, after.Fields().ByNumber(old.Number())); err != nil {
			return err
		}
	}
	return optional(after.Fields(), before.Fields(), "new")
}

// fields compares a field with what has its number now: nil if nothing has.
func (c comparison) fields(before, after protoreflect.FieldDescriptor) error {
	if after == nil {
		return optionalField(before, "gone")
	}
	if before.Name() != after.Name() || before.Kind() != after.Kind() || before.Cardinality() != after.Cardinality() ||
		before.HasPresence() != after.HasPresence() || before.IsMap() != after.IsMap() {
		return fmt.Errorf("field %s was changed", before.FullName())
	}
	switch {
	case before.Message() != nil:
		return c.messages(before.Message(), after.Message())
	case before.Enum() != nil:
		return enums(before.Enum(), after.Enum())
	}
	return nil
}

// optional is an error if a field that only one of two messages has is not optional.
func optional(fields, others protoreflect.FieldDescriptors, what string) error {
	for i := range fields.Len() {
		if f := fields.Get(i); others.ByNumber(f.Number()) == nil {
			if err := optionalField(f, what); err != nil {
				return err
			}
		}
	}
	return nil
}

func optionalField(f protoreflect.FieldDescriptor, what string) error {
	if f.Cardinality() != protoreflect.Optional {
		return fmt.Errorf("field %s is %s and %s; only optional fields may come and go", f.FullName(), f.Cardinality(), what)
	}
	return nil
}

func enums(before, after protoreflect.EnumDescriptor) error {
	if before.FullName() != after.FullName() || before.Values().Len() != after.Values().Len() {
		return fmt.Errorf("enum %s was changed", before.FullName())
	}
	for i := range before.Values().Len() {
		old := before.Values().Get(i)
		if now := after.Values().ByNumber(old.Number()); now == nil || now.Name() != old.Name() {
			return fmt.Errorf("enum value %s = %d was changed", old.FullName(), old.Number())
		}
	}
	return nil
}

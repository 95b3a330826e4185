package proto_test

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "orderflow.dev/gen/orderflow/event/v1"
)

// fill sets every field to a value of its own, the same each time. depth bounds messages that hold themselves.
func fill(m protoreflect.Message, depth int) {
	switch m.Interface().(type) {
	case *timestamppb.Timestamp:
		proto.Merge(m.Interface(), &timestamppb.Timestamp{Seconds: 1_767_323_045, Nanos: 6000})
		return
	case *anypb.Any:
		event := &eventv1.OrderConfirmed{}
		fill(event.ProtoReflect(), depth+1)
		packed, err := anypb.New(event)
		if err != nil {
			panic(err) // an event of ours always packs
		}
		proto.Merge(m.Interface(), packed)
		return
	}
	if depth > 8 {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsList():
			list := m.Mutable(f).List()
			for n := range 2 {
				list.Append(value(f, list.NewElement, int(f.Number())*10+n, depth))
			}
		case f.IsMap():
			entries := m.Mutable(f).Map()
			for n := range 2 {
				key := value(f.MapKey(), nil, int(f.Number())*10+n, depth).MapKey()
				entries.Set(key, value(f.MapValue(), entries.NewValue, int(f.Number())*10+n, depth))
			}
		default:
			m.Set(f, value(f, func() protoreflect.Value { return m.NewField(f) }, int(f.Number()), depth))
		}
	}
}

// value is the n-th value of a field's kind, never its zero value.
func value(f protoreflect.FieldDescriptor, empty func() protoreflect.Value, n, depth int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		v := empty()
		fill(v.Message(), depth+1)
		return v
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("%s-%d-ü", f.Name(), n))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{0, byte(n), 0xff})
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(-n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(1<<53 + int64(n)) // more than JSON's numbers hold
	case protoreflect.EnumKind:
		values := f.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(1 + n%(values.Len()-1)).Number())
	}
	panic(fmt.Sprintf("no sample value for %s of kind %s: add one here", f.FullName(), f.Kind()))
}

package database

import (
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/value"
)

// transform is a pb.DocumentTransform_FieldTransform that is checked.
type transform struct {
	path value.Path
	// of is the field's new value; old is nil if there is none. It does not change its arguments.
	of     func(old *pb.Value, now time.Time) *pb.Value
	answer bool // the new value is the transform's result, which is else null
}

// apply transforms a field, and answers the transform's result.
func (t transform) apply(fields map[string]*pb.Value, now time.Time) *pb.Value {
	v := t.of(t.path.Get(fields), now)
	t.path.Set(fields, v)
	if !t.answer {
		return &pb.Value{ValueType: &pb.Value_NullValue{}}
	}
	return proto.CloneOf(v)
}

// checkTransforms checks transforms. Its error is INVALID_ARGUMENT.
func checkTransforms(ts []*pb.DocumentTransform_FieldTransform) ([]transform, error) {
	if len(ts) == 0 {
		return nil, nil
	}
	checked := make([]transform, len(ts))
	for i, t := range ts {
		c, err := checkTransform(t)
		if err != nil {
			return nil, err
		}
		checked[i] = c
	}
	return checked, checkOverlap(checked)
}

// checkOverlap refuses transforms of a field and of what is in it.
func checkOverlap(ts []transform) error {
	paths := map[string]bool{}
	for _, t := range ts {
		paths[t.path.String()] = true
	}
	for _, t := range ts {
		for n := 1; n < len(t.path); n++ {
			if paths[t.path[:n].String()] {
				return malformed("Cannot transform %s and %s, which is in it, at the same time.", t.path[:n], t.path)
			}
		}
	}
	return nil
}

func checkTransform(t *pb.DocumentTransform_FieldTransform) (c transform, err error) {
	c.path, err = checkTransformPath(t.GetFieldPath())
	if err != nil {
		return c, err
	}
	c.answer = true
	field := t.GetFieldPath()
	switch t := t.GetTransformType().(type) {
	case *pb.DocumentTransform_FieldTransform_SetToServerValue:
		c.of, err = serverValue(t.SetToServerValue)
	case *pb.DocumentTransform_FieldTransform_Increment:
		c.of, err = numeric(field, t.Increment, add)
	case *pb.DocumentTransform_FieldTransform_Maximum:
		c.of, err = numeric(field, t.Maximum, func(old, v *pb.Value) *pb.Value { return further(old, v, 1) })
	case *pb.DocumentTransform_FieldTransform_Minimum:
		c.of, err = numeric(field, t.Minimum, func(old, v *pb.Value) *pb.Value { return further(old, v, -1) })
	case *pb.DocumentTransform_FieldTransform_AppendMissingElements:
		c.answer = false
		c.of, err = ofArray(c.path, t.AppendMissingElements, union)
	case *pb.DocumentTransform_FieldTransform_RemoveAllFromArray:
		c.answer = false
		c.of, err = ofArray(c.path, t.RemoveAllFromArray, without)
	default:
		err = malformed("the transform of field %q is of no type", field)
	}
	return c, err
}

func checkTransformPath(s string) (value.Path, error) {
	p, err := parsePath(s)
	if err == nil && p == nil {
		err = malformed("a document's name cannot be transformed")
	}
	if err != nil {
		return nil, err
	}
	return p, checkDepth(s, len(p)-1)
}

// serverValue is the time of the commit. Firestore promises milliseconds, and may cut the rest off. It also takes longer
// than that to commit, so that clients may rely on a later time in a later commit.
func serverValue(v pb.DocumentTransform_FieldTransform_ServerValue) (func(*pb.Value, time.Time) *pb.Value, error) {
	if v != pb.DocumentTransform_FieldTransform_REQUEST_TIME {
		return nil, malformed("set_to_server_value %s is not supported: it is to be REQUEST_TIME", v)
	}
	return func(_ *pb.Value, now time.Time) *pb.Value {
		return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(now)}}
	}, nil
}

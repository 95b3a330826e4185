package likeness

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// written are a request's writes; of those that have a request of their own, as a commit would have them.
func written(request proto.Message) []*pb.Write {
	switch q := request.(type) {
	case *pb.CommitRequest:
		return q.Writes
	case *pb.BatchWriteRequest:
		return q.Writes
	case *pb.CreateDocumentRequest:
		return []*pb.Write{{Operation: &pb.Write_Delete{Delete: q.Parent + "/" + q.CollectionId + "/" + q.DocumentId}}}
	case *pb.UpdateDocumentRequest:
		return []*pb.Write{{Operation: &pb.Write_Update{Update: q.Document}, CurrentDocument: q.CurrentDocument}}
	case *pb.DeleteDocumentRequest:
		return []*pb.Write{{Operation: &pb.Write_Delete{Delete: q.Name}, CurrentDocument: q.CurrentDocument}}
	}
	return nil
}

// nameWritten is the name of a write's document.
func nameWritten(w *pb.Write) string {
	return w.GetUpdate().GetName() + w.GetDelete() + w.GetTransform().GetDocument()
}

func document(t *rapid.T, name string) *pb.Document {
	return &pb.Document{Name: name, Fields: fields(t, 2)}
}

// changed is a document and which of its fields are written. What is bad is always among them: of the others Google's
// emulator checks some things and some not.
func changed(t *rapid.T, name string) (*pb.Document, *pb.DocumentMask) {
	d := document(t, name)
	if seldom(t, "bad fields") {
		d.Fields = rapid.SampledFrom(badFields).Draw(t, "fields")
		return d, nil
	}
	return d, mask(t)
}

// commitTime is one of those that the server told so far, or near one.
func commitTime(t *rapid.T) *timestamppb.Timestamp {
	s := &timestamppb.Timestamp{Seconds: commitSymbol + rapid.Int64Range(0, 9).Draw(t, "commit")}
	if seldom(t, "near") {
		s.Nanos = rapid.SampledFrom([]int32{1000, 1}).Draw(t, "nanos later")
	}
	return s
}

// readTime is one at which something was read, or committed, or a strange one.
func readTime(t *rapid.T) *timestamppb.Timestamp {
	switch rapid.IntRange(0, 9).Draw(t, "kind of read time") {
	default:
		return &timestamppb.Timestamp{Seconds: readSymbol + rapid.Int64Range(0, 9).Draw(t, "read")}
	case 6, 7, 8:
		return commitTime(t)
	case 9:
		return rapid.SampledFrom([]*timestamppb.Timestamp{
			{Seconds: 1_000_000_000}, {Seconds: 9_000_000_000}, {}, {Seconds: -1}, {Nanos: -1}, {Seconds: 253_402_300_800},
		}).Draw(t, "strange read time")
	}
}

func precondition(t *rapid.T) *pb.Precondition {
	switch rapid.IntRange(0, 9).Draw(t, "precondition") {
	default:
		return nil
	case 6, 7:
		return &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: rapid.Bool().Draw(t, "exists")}}
	case 8:
		return &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: commitTime(t)}}
	case 9:
		if seldom(t, "empty precondition") {
			return &pb.Precondition{}
		}
		return &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: true}}
	}
}

func mask(t *rapid.T) *pb.DocumentMask {
	if !often(t, "mask") {
		return nil
	}
	m := &pb.DocumentMask{}
	for range rapid.IntRange(0, 3).Draw(t, "paths in mask") {
		m.FieldPaths = append(m.FieldPaths, fieldPath(t))
	}
	return m
}

type fieldTransform = pb.DocumentTransform_FieldTransform

func transform(t *rapid.T) *fieldTransform {
	f := &fieldTransform{FieldPath: fieldPath(t)}
	switch rapid.IntRange(0, 6).Draw(t, "transform") {
	case 0:
		f.TransformType = &pb.DocumentTransform_FieldTransform_Increment{Increment: operand(t)}
	case 1:
		f.TransformType = &pb.DocumentTransform_FieldTransform_Maximum{Maximum: operand(t)}
	case 2:
		f.TransformType = &pb.DocumentTransform_FieldTransform_Minimum{Minimum: operand(t)}
	case 3, 4:
		f.TransformType = &pb.DocumentTransform_FieldTransform_AppendMissingElements{AppendMissingElements: members(t)}
	case 5:
		f.TransformType = &pb.DocumentTransform_FieldTransform_RemoveAllFromArray{RemoveAllFromArray: members(t)}
	case 6:
		if seldom(t, "no transform") {
			return f
		}
		server := pb.DocumentTransform_FieldTransform_REQUEST_TIME
		if seldom(t, "unspecified server value") {
			server = pb.DocumentTransform_FieldTransform_SERVER_VALUE_UNSPECIFIED
		}
		f.TransformType = &pb.DocumentTransform_FieldTransform_SetToServerValue{SetToServerValue: server}
	}
	return f
}

func operand(t *rapid.T) *pb.Value {
	if seldom(t, "not a number") {
		return rapid.SampledFrom(scalars).Draw(t, "operand")
	}
	return rapid.SampledFrom(numbers).Draw(t, "operand")
}

func members(t *rapid.T) *pb.ArrayValue {
	if seldom(t, "bad members") {
		return array(array(integer(1))).GetArrayValue()
	}
	return &pb.ArrayValue{Values: elements(t, 1)}
}

func transforms(t *rapid.T, least int) (all []*fieldTransform) {
	for range rapid.IntRange(least, least+2).Draw(t, "transforms") {
		all = append(all, transform(t))
	}
	return all
}

// write is any, mostly one that may succeed.
func write(t *rapid.T) *pb.Write {
	w := &pb.Write{CurrentDocument: precondition(t)}
	switch rapid.IntRange(0, 9).Draw(t, "write") {
	default:
		d, only := changed(t, name(t))
		w.Operation, w.UpdateMask = &pb.Write_Update{Update: d}, only
		if often(t, "with transforms") {
			w.UpdateTransforms = transforms(t, 1)
		}
	case 7, 8:
		w.Operation = &pb.Write_Delete{Delete: name(t)}
		if seldom(t, "delete with a mask") {
			w.UpdateMask = mask(t)
		}
	case 9:
		w.Operation = &pb.Write_Transform{Transform: &pb.DocumentTransform{Document: name(t), FieldTransforms: transforms(t, 0)}}
		if seldom(t, "nothing to write") {
			w.Operation = nil
		}
	}
	return w
}

func writes(t *rapid.T) []*pb.Write {
	all := []*pb.Write{write(t)}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "more writes") {
		all = append(all, write(t))
	}
	if seldom(t, "no writes") {
		return nil
	}
	return all
}

// fill is a commit that makes documents with few distinct values, so that queries find and order something.
func fill(t *rapid.T) *pb.CommitRequest {
	request := &pb.CommitRequest{Database: database}
	for _, path := range paths {
		if rapid.IntRange(0, 3).Draw(t, "fill") == 1 {
			continue
		}
		d := &pb.Document{Name: documents + "/" + path, Fields: map[string]*pb.Value{}}
		if often(t, "any fields") {
			d.Fields = fields(t, 2)
		} else {
			for _, field := range fieldNames[:3] {
				d.Fields[field] = rapid.SampledFrom(common).Draw(t, "common value")
			}
		}
		request.Writes = append(request.Writes, &pb.Write{Operation: &pb.Write_Update{Update: d}})
	}
	return request
}

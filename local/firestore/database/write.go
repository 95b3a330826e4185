package database

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore/value"
)

// mostTransforms are those of one document in one commit
// (https://firebase.google.com/docs/firestore/quotas#writes_and_transactions).
const mostTransforms = 500

// write is a pb.Write that is checked.
type write struct {
	path         string
	delete       bool
	fields       map[string]*pb.Value
	merge        bool         // into what is there, by mask; else fields take the place of what is there
	mask         []value.Path // what of fields counts
	transforms   []transform
	precondition *pb.Precondition
}

// check checks the writes of a request. Its error is INVALID_ARGUMENT.
func (db *Database) check(writes []*pb.Write) ([]write, error) {
	checked := make([]write, len(writes))
	documents := map[string]*written{}
	for i, w := range writes {
		c, err := db.checkWrite(w)
		if err != nil {
			return nil, err
		}
		if d := documents[c.path]; d == nil {
			documents[c.path] = &written{c.precondition.GetUpdateTime(), c.delete, len(c.transforms)}
		} else if err := d.again(&c); err != nil {
			return nil, err
		}
		if documents[c.path].transforms > mostTransforms {
			return nil, malformed("document %s: more than %d transforms in one commit", c.path, mostTransforms)
		}
		checked[i] = c
	}
	return checked, nil
}

// written is what a request does to a document.
type written struct {
	base       *timestamppb.Timestamp // what the first write's precondition says
	deleted    bool
	transforms int
}

// again checks another write of the document. Its precondition can be told from the writes before, and Firestore
// refuses what cannot be fulfilled before it looks at the document, as it does a second update time: so it is done
// with.
func (d *written) again(w *write) error {
	switch p := w.precondition.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		if p.Exists == d.deleted {
			return malformed("document %s: exists is %v, but a write before it in the request decides otherwise",
				w.path, p.Exists)
		}
	case *pb.Precondition_UpdateTime:
		if d.deleted {
			return malformed("document %s: deleted by a write before, it cannot have an update time as precondition", w.path)
		}
		if !proto.Equal(d.base, p.UpdateTime) {
			return malformed("document %s: its writes in one request have different update times as preconditions", w.path)
		}
	}
	w.precondition = nil
	d.deleted = w.delete
	d.transforms += len(w.transforms)
	return nil
}

func (db *Database) checkWrite(w *pb.Write) (c write, err error) {
	name := ""
	switch o := w.GetOperation().(type) {
	case *pb.Write_Update:
		name = o.Update.GetName()
		c, err = checkUpdate(w, o.Update)
	case *pb.Write_Delete:
		name = o.Delete
		c, err = write{delete: true}, alone(w, "delete")
	case *pb.Write_Transform:
		name = o.Transform.GetDocument()
		c, err = checkTransformWrite(w, o.Transform)
	default:
		err = malformed("empty write operation")
	}
	if err != nil {
		return c, err
	}
	if c.precondition = w.GetCurrentDocument(); c.precondition.GetUpdateTime().GetNanos()%1000 != 0 {
		return c, malformed("timestamp cannot have more than microseconds precision")
	}
	c.path, err = db.pathOf(name)
	return c, err
}

// pathOf is the path of a document of this database.
func (db *Database) pathOf(name string) (string, error) {
	other, path, err := SplitName(name)
	if err == nil && other != db.name {
		err = malformed("document %s is not in the request's database %s but in %s", name, db.name, other)
	}
	return path, err
}

func checkUpdate(w *pb.Write, d *pb.Document) (c write, err error) {
	c.fields, c.merge = d.GetFields(), w.UpdateMask != nil
	if c.merge {
		if c.mask, err = ParseMask(w.UpdateMask.GetFieldPaths()); err != nil {
			return c, err
		}
	}
	if err := checkFields(c.fields, 0); err != nil {
		return c, err
	}
	c.transforms, err = checkTransforms(w.UpdateTransforms)
	return c, err
}

func checkTransformWrite(w *pb.Write, t *pb.DocumentTransform) (c write, err error) {
	if err := alone(w, "transform"); err != nil {
		return c, err
	}
	if len(t.GetFieldTransforms()) == 0 {
		return c, malformed("a transform must have field transforms")
	}
	c.merge = true
	c.transforms, err = checkTransforms(t.FieldTransforms)
	return c, err
}

// alone says whether a write has nothing that only updates may have.
func alone(w *pb.Write, operation string) error {
	switch {
	case w.UpdateMask != nil:
		return malformed("a %s must not specify an update mask", operation)
	case len(w.UpdateTransforms) > 0:
		return malformed("a %s must not specify update transforms", operation)
	}
	return nil
}

// ParseMask reads the paths of a mask. __name__ is left out: it is part of any document. The error is INVALID_ARGUMENT.
func ParseMask(paths []string) ([]value.Path, error) {
	var mask []value.Path
	for _, s := range paths {
		p, err := parsePath(s)
		if err == nil && len(p) > deepestValue {
			err = malformed("field path %q has more than %d names", s, deepestValue)
		}
		if err != nil {
			return nil, err
		}
		if p != nil {
			mask = append(mask, p)
		}
	}
	return mask, nil
}

// parsePath reads the path of a field; nil if it is __name__.
func parsePath(s string) (value.Path, error) {
	p, err := value.ParsePath(s)
	if err != nil {
		return nil, malformed("%v", err)
	}
	if len(p) == 1 && p[0] == "__name__" {
		return nil, nil
	}
	for _, name := range p {
		if err := checkFieldName(name); err != nil {
			return nil, malformed("field path %q: %v", s, err)
		}
	}
	return p, nil
}

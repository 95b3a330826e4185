package firestore

import (
	"cmp"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/firestore/value"
)

// listed is a document, or the path of what is none but has documents below it.
type listed struct {
	path string
	doc  *database.Document
}

func (e listed) message(db *database.Database, m mask) *pb.Document {
	if e.doc == nil {
		return &pb.Document{Name: db.Name() + "/documents/" + e.path}
	}
	return m.of(db, e.doc)
}

// listing is what ListDocuments found so far.
type listing struct {
	db          *database.Database
	reader      reader
	after       string // path
	limit       int
	showMissing bool
	listed      []listed
}

// add lists a collection below a document, or all of them.
func (l *listing) add(parent, collection string) error {
	if collection != "" {
		return l.addCollection(parent, collection)
	}
	for _, id := range l.reader.view.Collections(parent) {
		if err := l.addCollection(parent, id); err != nil || len(l.listed) >= l.limit {
			return err
		}
	}
	return nil
}

func (l *listing) addCollection(parent, id string) error {
	found, err := l.documents(parent, id)
	if err != nil {
		return err
	}
	var all []listed
	for _, d := range found {
		all = append(all, listed{d.Path, d})
	}
	if l.showMissing {
		for path := range l.reader.view.Missing(strings.TrimPrefix(parent+"/"+id, "/")) {
			if value.CompareNames(path, l.after) > 0 {
				all = append(all, listed{path, nil})
			}
		}
		slices.SortFunc(all, func(a, b listed) int { return value.CompareNames(a.path, b.path) })
	}
	l.listed = append(l.listed, all...)
	return nil
}

// documents are the documents of a collection, as many as a page needs.
func (l *listing) documents(parent, id string) ([]*database.Document, error) {
	p := &pb.StructuredQuery{
		From:    []*pb.StructuredQuery_CollectionSelector{{CollectionId: id}},
		OrderBy: []*pb.StructuredQuery_Order{{Field: &pb.StructuredQuery_FieldReference{FieldPath: "__name__"}}},
		Limit:   wrapperspb.Int32(int32(l.limit)),
	}
	collection := strings.TrimPrefix(parent+"/"+id, "/")
	switch in := l.after[:max(0, strings.LastIndexByte(l.after, '/'))]; {
	case in == collection:
		after := &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: l.db.Name() + "/documents/" + l.after}}
		p.StartAt = &pb.Cursor{Values: []*pb.Value{after}}
	case cmp.Compare(collection, in) < 0:
		return nil, nil
	}
	q, err := query.Parse(l.db.Name(), parent, p)
	if err != nil {
		return nil, err
	}
	found, _ := l.reader.run(q)
	return found, nil
}

package firestore

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"orderflow.dev/local/firestore/database"
	"orderflow.dev/local/firestore/query"
	"orderflow.dev/local/firestore/value"
)

const (
	fullPage  = 300      // entries, if a request does not say how many
	tokenMark = "after/" // what a page token begins with
)

// pageOf is how many entries a request wants, and behind which one they begin.
func pageOf(size int32, token string) (n int, after string, err error) {
	switch {
	case size < 0:
		return 0, "", status.Error(codes.InvalidArgument, "page_size must be greater than or equal to zero.")
	case size == 0:
		size = fullPage
	}
	if token == "" {
		return int(size), "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	after, ours := strings.CutPrefix(string(b), tokenMark)
	if err != nil || !ours {
		return 0, "", status.Error(codes.InvalidArgument, "invalid page token")
	}
	return int(size), after, nil
}

// cutPage cuts what is more than a page off; next is the token of the next page.
func cutPage[T any](entries []T, n int, token func(T) string) (page []T, next string) {
	if len(entries) <= n {
		return entries, ""
	}
	return entries[:n], base64.RawURLEncoding.EncodeToString([]byte(tokenMark + token(entries[n-1])))
}

// ListCollectionIds answers the ids of the collections right below a document or the database.
func (s *Server) ListCollectionIds(_ context.Context, q *pb.ListCollectionIdsRequest) (*pb.ListCollectionIdsResponse, error) {
	db, parent, err := s.parent(q.Parent)
	if err != nil {
		return nil, err
	}
	n, after, err := pageOf(q.PageSize, q.PageToken)
	if err != nil {
		return nil, err
	}
	view := db.Latest()
	if t := q.GetReadTime(); t != nil {
		if view, err = at(db, t); err != nil {
			return nil, err
		}
	}
	ids := view.Collections(parent)
	i, _ := slices.BinarySearch(ids, after+"\x00") // the least string that is greater
	page, next := cutPage(ids[i:], n, strings.Clone)
	return &pb.ListCollectionIdsResponse{CollectionIds: page, NextPageToken: next}, nil
}

// ListDocuments answers the documents right in a collection, or in all collections right below a document, by name.
// Another order is UNIMPLEMENTED.
func (s *Server) ListDocuments(_ context.Context, q *pb.ListDocumentsRequest) (*pb.ListDocumentsResponse, error) {
	db, parent, err := s.parent(q.Parent)
	if err != nil {
		return nil, err
	}
	m, err := parseMask(q.Mask)
	if err != nil {
		return nil, err
	}
	if err := checkList(q); err != nil {
		return nil, err
	}
	n, after, err := pageOf(q.PageSize, q.PageToken)
	if err != nil {
		return nil, err
	}
	r, err := readerOf(db, q)
	if err != nil {
		return nil, err
	}
	l := listing{db: db, reader: r, after: after, limit: n + 1, showMissing: q.ShowMissing}
	if err := l.add(parent, q.CollectionId); err != nil {
		return nil, err
	}
	page, next := cutPage(l.listed, n, func(e listed) string { return e.path })
	answer := &pb.ListDocumentsResponse{NextPageToken: next}
	for _, e := range page {
		answer.Documents = append(answer.Documents, e.message(db, m))
	}
	return answer, nil
}

func checkList(q *pb.ListDocumentsRequest) error {
	switch {
	case q.OrderBy != "" && q.ShowMissing:
		return status.Error(codes.InvalidArgument, "cannot specify an order when show_missing is true")
	case q.OrderBy != "" && q.OrderBy != "__name__" && q.OrderBy != "__name__ asc":
		return status.Errorf(codes.Unimplemented, "ListDocuments: order_by %q: only __name__ is supported, use RunQuery", q.OrderBy)
	case q.CollectionId != "":
		return database.CheckCollectionID(q.CollectionId)
	}
	return nil
}

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

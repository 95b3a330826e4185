package firestore

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/firestore/database"
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

// cutPage cuts what is more than a page off; next is the token of the next page. As in Firestore, there is one behind a
// full page, even if it is the last.
func cutPage[T any](entries []T, n int, token func(T) string) (page []T, next string) {
	if len(entries) < n {
		return entries, ""
	}
	return entries[:n], pageToken(token(entries[n-1]))
}

func pageToken(after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(tokenMark + after))
}

// ListCollectionIds answers the ids of the collections right below a document or the database.
func (s *Server) ListCollectionIds(
	_ context.Context, q *pb.ListCollectionIdsRequest,
) (*pb.ListCollectionIdsResponse, error) {
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

// ListDocuments answers the documents right in a collection, or in all collections right below a document, by name, or
// those of one collection in another order.
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
	if q.OrderBy != "" && q.OrderBy != "__name__" {
		return s.listInOrder(db, parent, q, m, n, after)
	}
	r, err := readerOf(db, q)
	if err != nil {
		return nil, err
	}
	l := listing{db: db, reader: r, after: after, limit: n, showMissing: q.ShowMissing}
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
	case q.ShowMissing && q.CollectionId == "":
		return status.Error(codes.InvalidArgument, "collection id must be set when show_missing is true")
	case q.CollectionId != "":
		return database.CheckCollectionID(q.CollectionId)
	}
	return nil
}

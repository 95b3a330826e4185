package firestore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"orderflow.dev/local/firestore"
)

const root = database + "/documents"

func text(s string) *pb.Value { return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: s}} }

func update(path string, f map[string]*pb.Value) *pb.Write {
	return &pb.Write{Operation: &pb.Write_Update{Update: &pb.Document{Name: root + "/" + path, Fields: f}}}
}

func commitAll(t *testing.T, c pb.FirestoreClient, writes ...*pb.Write) *pb.CommitResponse {
	t.Helper()
	r, err := c.Commit(t.Context(), &pb.CommitRequest{Database: database, Writes: writes})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// batchGet is what a request answers, a line each.
func batchGet(t *testing.T, c pb.FirestoreClient, q *pb.BatchGetDocumentsRequest) (lines []string, transaction []byte, err error) {
	t.Helper()
	q.Database = database
	for i, d := range q.Documents {
		q.Documents[i] = root + "/" + d
	}
	stream, err := c.BatchGetDocuments(t.Context(), q)
	if err != nil {
		return nil, nil, err
	}
	for {
		r, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return lines, transaction, nil
		case err != nil:
			return nil, nil, err
		case r.Transaction != nil:
			transaction = r.Transaction
			lines = append(lines, "transaction")
		case r.GetFound() != nil:
			lines = append(lines, fmt.Sprint("found ", r.GetFound().Name[len(root):], len(r.GetFound().Fields), r.ReadTime != nil))
		default:
			lines = append(lines, fmt.Sprint("missing ", r.GetMissing()[len(root):], r.ReadTime != nil))
		}
	}
}

func TestABatchOfDocumentsIsReadAsTheRequestSays(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	at := commitAll(t, c, update("c/a", map[string]*pb.Value{"x": text("1"), "y": text("2")})).CommitTime
	commitAll(t, c, update("c/b", nil))
	newTransaction := &pb.BatchGetDocumentsRequest_NewTransaction{NewTransaction: &pb.TransactionOptions{}}
	future := &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: &timestamppb.Timestamp{Seconds: time.Now().Unix() + 3600}}
	past := &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: &timestamppb.Timestamp{Seconds: time.Now().Unix() - 7200}}
	ancient := &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: &timestamppb.Timestamp{Seconds: -1}}
	bad := &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: &timestamppb.Timestamp{Nanos: -1}}
	for name, c2 := range map[string]struct {
		request *pb.BatchGetDocumentsRequest
		want    []string
		code    codes.Code
	}{
		"each once": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/b", "c/a", "c/no", "c/b", "c/no"}},
			[]string{"found /c/b0 true", "found /c/a2 true", "missing /c/notrue"}, codes.OK},
		"a mask": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, Mask: &pb.DocumentMask{FieldPaths: []string{"x", "z.z"}}},
			[]string{"found /c/a1 true"}, codes.OK},
		"an empty mask": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, Mask: &pb.DocumentMask{}},
			[]string{"found /c/a0 true"}, codes.OK},
		"a new transaction": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, ConsistencySelector: newTransaction},
			[]string{"transaction", "found /c/a2 true"}, codes.OK},
		"a new transaction of nothing": {&pb.BatchGetDocumentsRequest{ConsistencySelector: newTransaction}, []string{"transaction"}, codes.OK},
		"an earlier time": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a", "c/b"},
			ConsistencySelector: &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: at}}, []string{"found /c/a2 true", "missing /c/btrue"}, codes.OK},
		"a time to come":      {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, ConsistencySelector: future}, nil, codes.InvalidArgument},
		"a time long ago":     {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, ConsistencySelector: past}, nil, codes.FailedPrecondition},
		"a time that is none": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, ConsistencySelector: bad}, nil, codes.InvalidArgument},
		"a time before 1970":  {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, ConsistencySelector: ancient}, nil, codes.InvalidArgument},
		"a malformed mask": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a"}, Mask: &pb.DocumentMask{FieldPaths: []string{"a..b"}}},
			nil, codes.InvalidArgument},
		"a malformed name": {&pb.BatchGetDocumentsRequest{Documents: []string{"c/a", "c"}}, nil, codes.InvalidArgument},
		"no transaction": {&pb.BatchGetDocumentsRequest{ConsistencySelector: &pb.BatchGetDocumentsRequest_Transaction{Transaction: []byte("x")}},
			nil, codes.InvalidArgument},
		"an empty transaction": {&pb.BatchGetDocumentsRequest{ConsistencySelector: &pb.BatchGetDocumentsRequest_Transaction{}},
			nil, codes.InvalidArgument},
	} {
		got, _, err := batchGet(t, c, c2.request)
		wantStatus(t, name, err, c2.code)
		if d := cmp.Diff(c2.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	_, _, err := batchGet(t, c, &pb.BatchGetDocumentsRequest{Documents: []string{"../../o/documents/c/d"}})
	wantStatus(t, "another database's document", err, codes.InvalidArgument)
}

func TestATransactionThatARequestBeganIsCommittedOrAborted(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	q := func(o *pb.TransactionOptions) *pb.BatchGetDocumentsRequest {
		return &pb.BatchGetDocumentsRequest{Documents: []string{"c/a"},
			ConsistencySelector: &pb.BatchGetDocumentsRequest_NewTransaction{NewTransaction: o}}
	}
	readWrite := &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{}}
	_, one, err1 := batchGet(t, c, q(readWrite))
	_, two, err2 := batchGet(t, c, q(readWrite))
	_, readOnly, err3 := batchGet(t, c, q(&pb.TransactionOptions{}))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	write := func(id []byte) error {
		_, err := c.Commit(t.Context(), &pb.CommitRequest{Database: database, Transaction: id, Writes: []*pb.Write{update("c/a", nil)}})
		return err
	}
	wantStatus(t, "one that nothing says is to write", write(readOnly), codes.InvalidArgument)
	wantStatus(t, "the first", write(one), codes.OK)
	wantStatus(t, "the second", write(two), codes.Aborted)
	wantStatus(t, "the first again", write(one), codes.InvalidArgument)
	wantStatus(t, "one that is none", write([]byte("none")), codes.InvalidArgument)
	rollback := func(id []byte) error {
		_, err := c.Rollback(t.Context(), &pb.RollbackRequest{Database: database, Transaction: id})
		return err
	}
	wantStatus(t, "rollback of the first", rollback(one), codes.OK)
	wantStatus(t, "rollback of none", rollback([]byte("none")), codes.InvalidArgument)
	b, err := c.BeginTransaction(t.Context(), &pb.BeginTransactionRequest{Database: database})
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.GetDocument(t.Context(), &pb.GetDocumentRequest{Name: root + "/c/a",
		ConsistencySelector: &pb.GetDocumentRequest_Transaction{Transaction: b.Transaction}})
	if err != nil || d.Name != root+"/c/a" {
		t.Errorf("got %v, %v", d, err)
	}
	l, err := c.ListDocuments(t.Context(), &pb.ListDocumentsRequest{Parent: root, CollectionId: "c",
		ConsistencySelector: &pb.ListDocumentsRequest_Transaction{Transaction: b.Transaction}})
	if err != nil || len(l.Documents) != 1 {
		t.Errorf("got %v, %v", l, err)
	}
	commitAll(t, c, update("c/phantom", nil))
	wantStatus(t, "after a phantom in the list", write(b.Transaction), codes.Aborted)
}

func TestSingleDocumentsAreCreatedUpdatedAndDeleted(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	create := func(id, collection string, d *pb.Document) (*pb.Document, error) {
		return c.CreateDocument(t.Context(), &pb.CreateDocumentRequest{Parent: root, CollectionId: collection, DocumentId: id, Document: d,
			Mask: &pb.DocumentMask{FieldPaths: []string{"x"}}})
	}
	d, err := create("a", "c", &pb.Document{Fields: map[string]*pb.Value{"x": text("1"), "y": text("2")}})
	if err != nil || d.Name != root+"/c/a" || len(d.Fields) != 1 || d.CreateTime == nil || d.UpdateTime == nil {
		t.Errorf("created %v, %v", d, err)
	}
	_, err = create("a", "c", nil)
	wantStatus(t, "create again", err, codes.AlreadyExists)
	auto, err := create("", "c", nil)
	if id := strings.TrimPrefix(auto.GetName(), root+"/c/"); err != nil || len(id) != 20 {
		t.Errorf("created %v, %v", auto, err)
	}
	_, err = create("b", "c", &pb.Document{Name: root + "/c/b"})
	wantStatus(t, "create with a name", err, codes.InvalidArgument)
	_, err = create("a/b/c", "c", nil)
	wantStatus(t, "create by a path", err, codes.InvalidArgument)
	_, err = create("a", "", nil)
	wantStatus(t, "create in no collection", err, codes.InvalidArgument)

	change := func(name string, exists bool) (*pb.Document, error) {
		return c.UpdateDocument(t.Context(), &pb.UpdateDocumentRequest{
			Document:   &pb.Document{Name: root + "/" + name, Fields: map[string]*pb.Value{"x": text("3")}},
			UpdateMask: &pb.DocumentMask{FieldPaths: []string{"x"}}, Mask: &pb.DocumentMask{FieldPaths: []string{"y"}},
			CurrentDocument: &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: exists}},
		})
	}
	d, err = change("c/a", true)
	if err != nil || d.Fields["y"].GetStringValue() != "2" || len(d.Fields) != 1 {
		t.Errorf("updated %v, %v", d, err)
	}
	_, err = change("c/no", true)
	wantStatus(t, "update of nothing", err, codes.NotFound)
	_, err = c.UpdateDocument(t.Context(), &pb.UpdateDocumentRequest{})
	wantStatus(t, "update without a document", err, codes.InvalidArgument)

	for _, want := range []codes.Code{codes.OK, codes.NotFound} {
		_, err = c.DeleteDocument(t.Context(), &pb.DeleteDocumentRequest{Name: root + "/c/a",
			CurrentDocument: &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: true}}})
		wantStatus(t, "delete", err, want)
	}
	_, err = c.DeleteDocument(t.Context(), &pb.DeleteDocumentRequest{Name: root + "/c/a"})
	wantStatus(t, "delete of nothing", err, codes.OK)
	_, err = c.GetDocument(t.Context(), &pb.GetDocumentRequest{Name: root + "/c/a"})
	wantStatus(t, "get", err, codes.NotFound)
	_, err = c.GetDocument(t.Context(), &pb.GetDocumentRequest{Name: root + "/c"})
	wantStatus(t, "get of a collection", err, codes.InvalidArgument)
}

func TestDocumentsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	commitAll(t, c, update("l/a", map[string]*pb.Value{"x": text("1")}), update("l/b", nil), update("l/c/s/1", nil), update("l/d", nil),
		update("l/a/s/1", nil), update("l/a/t/2", nil), update("l-x/a", nil), update("k/z", nil))
	commitAll(t, c, update("o/1", map[string]*pb.Value{"x": text("2"), "y": text("1")}), update("o/0", nil),
		update("o/2", map[string]*pb.Value{"x": text("1"), "y": text("1")}),
		update("o/3", map[string]*pb.Value{"x": text("2"), "y": text("2")}))
	list := func(q *pb.ListDocumentsRequest) (pages []string) {
		for {
			r, err := c.ListDocuments(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var page []string
			for _, d := range r.Documents {
				missing := ""
				if d.UpdateTime == nil {
					missing = "?"
				}
				page = append(page, strings.TrimPrefix(d.Name, root+"/")+missing)
			}
			pages = append(pages, strings.Join(page, " "))
			if q.PageToken = r.NextPageToken; q.PageToken == "" {
				return pages
			}
		}
	}
	for name, c2 := range map[string]struct {
		request *pb.ListDocumentsRequest
		want    []string
	}{
		"a collection":         {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l"}, []string{"l/a l/b l/d"}},
		"what is missing":      {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", ShowMissing: true}, []string{"l/a l/b l/c? l/d"}},
		"pages":                {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", PageSize: 2}, []string{"l/a l/b", "l/d"}},
		"pages of one":         {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", PageSize: 1, ShowMissing: true}, []string{"l/a", "l/b", "l/c?", "l/d", ""}},
		"a page that is full":  {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", PageSize: 3}, []string{"l/a l/b l/d", ""}},
		"all collections":      {&pb.ListDocumentsRequest{Parent: root, PageSize: 3}, []string{"k/z l/a l/b", "l/d l-x/a o/0", "o/1 o/2 o/3", ""}},
		"all, by two":          {&pb.ListDocumentsRequest{Parent: root, PageSize: 2}, []string{"k/z l/a", "l/b l/d", "l-x/a o/0", "o/1 o/2", "o/3"}},
		"below a document":     {&pb.ListDocumentsRequest{Parent: root + "/l/a"}, []string{"l/a/s/1 l/a/t/2"}},
		"by name":              {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "__name__"}, []string{"l/a l/b l/d"}},
		"by x":                 {&pb.ListDocumentsRequest{Parent: root, CollectionId: "o", OrderBy: "x"}, []string{"o/2 o/1 o/3"}},
		"by x and y, by pages": {&pb.ListDocumentsRequest{Parent: root, CollectionId: "o", OrderBy: "x asc, y DESC", PageSize: 2}, []string{"o/2 o/3", "o/1"}},
		"by x downwards":       {&pb.ListDocumentsRequest{Parent: root, CollectionId: "o", OrderBy: "x desc", PageSize: 2}, []string{"o/3 o/1", "o/2"}},
		"nothing":              {&pb.ListDocumentsRequest{Parent: root, CollectionId: "zzz"}, []string{""}},
	} {
		if d := cmp.Diff(c2.want, list(c2.request)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for name, c2 := range map[string]struct {
		request *pb.ListDocumentsRequest
		want    codes.Code
	}{
		"a malformed token":        {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", PageToken: "zzz"}, codes.InvalidArgument},
		"a negative size":          {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", PageSize: -1}, codes.InvalidArgument},
		"an order of all":          {&pb.ListDocumentsRequest{Parent: root, OrderBy: "x desc"}, codes.InvalidArgument},
		"no order":                 {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "x up"}, codes.InvalidArgument},
		"half an order":            {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "x,"}, codes.InvalidArgument},
		"names downwards":          {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "__name__ desc"}, codes.FailedPrecondition},
		"another order's token":    {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "x", PageToken: "YWZ0ZXIvYS9i"}, codes.InvalidArgument},
		"what is missing, of all":  {&pb.ListDocumentsRequest{Parent: root, ShowMissing: true}, codes.InvalidArgument},
		"an order of what is none": {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l", OrderBy: "x", ShowMissing: true}, codes.InvalidArgument},
		"a collection's parent":    {&pb.ListDocumentsRequest{Parent: root + "/l"}, codes.InvalidArgument},
		"a reserved collection":    {&pb.ListDocumentsRequest{Parent: root, CollectionId: "__l__"}, codes.InvalidArgument},
		"a path":                   {&pb.ListDocumentsRequest{Parent: root, CollectionId: "l/a/s"}, codes.InvalidArgument},
	} {
		_, err := c.ListDocuments(t.Context(), c2.request)
		wantStatus(t, name, err, c2.want)
	}
}

func TestCollectionsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	at := commitAll(t, c, update("a/1", nil), update("b/1/c/1", nil), update("b-x/1", nil)).CommitTime
	commitAll(t, c, update("z/1", nil))
	q := &pb.ListCollectionIdsRequest{Parent: root, PageSize: 2}
	var got []string
	for {
		r, err := c.ListCollectionIds(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.Join(r.CollectionIds, " "))
		if q.PageToken = r.NextPageToken; q.PageToken == "" {
			break
		}
	}
	if d := cmp.Diff([]string{"a b", "b-x z", ""}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r, err := c.ListCollectionIds(t.Context(), &pb.ListCollectionIdsRequest{Parent: root,
		ConsistencySelector: &pb.ListCollectionIdsRequest_ReadTime{ReadTime: at}})
	if err != nil || strings.Join(r.CollectionIds, " ") != "a b b-x" {
		t.Errorf("before: %v, %v", r, err)
	}
	_, err = c.ListCollectionIds(t.Context(), &pb.ListCollectionIdsRequest{Parent: root, PageToken: "?"})
	wantStatus(t, "a malformed token", err, codes.InvalidArgument)
	_, err = c.ListCollectionIds(t.Context(), &pb.ListCollectionIdsRequest{Parent: database})
	wantStatus(t, "a database's name", err, codes.InvalidArgument)
}

func TestARequestOfMoreThanFirestoreTakesIsRefusedAndOneOfAsMuchIsNot(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	megabyte := strings.Repeat("x", 1_000_000)
	var writes []*pb.Write
	for i := range 10 {
		writes = append(writes, update(fmt.Sprint("c/", i), map[string]*pb.Value{"s": text(megabyte)}))
	}
	commitAll(t, c, writes...)
	writes = append(writes, update("c/more", map[string]*pb.Value{"s": text(megabyte)}))
	_, err := c.Commit(t.Context(), &pb.CommitRequest{Database: database, Writes: writes})
	wantStatus(t, "11 MB in a commit", err, codes.InvalidArgument)
	_, err = c.BatchWrite(t.Context(), &pb.BatchWriteRequest{Database: database, Writes: writes})
	wantStatus(t, "11 MB in a batch", err, codes.InvalidArgument)
}

func TestWhatIsNotSupportedSaysSoByName(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	w, err := c.Write(t.Context())
	if err == nil {
		_, err = w.Recv()
	}
	wantStatus(t, "Write", err, codes.Unimplemented)
}

func TestRequestsOfAMalformedDatabaseAreRefused(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{})
	ctx := t.Context()
	for name, call := range map[string]func(db string) error{
		"Commit":     func(db string) error { _, err := c.Commit(ctx, &pb.CommitRequest{Database: db}); return err },
		"BatchWrite": func(db string) error { _, err := c.BatchWrite(ctx, &pb.BatchWriteRequest{Database: db}); return err },
		"Rollback":   func(db string) error { _, err := c.Rollback(ctx, &pb.RollbackRequest{Database: db}); return err },
		"BeginTransaction": func(db string) error {
			_, err := c.BeginTransaction(ctx, &pb.BeginTransactionRequest{Database: db})
			return err
		},
		"BatchGetDocuments": func(db string) error {
			s, err := c.BatchGetDocuments(ctx, &pb.BatchGetDocumentsRequest{Database: db})
			if err == nil {
				_, err = s.Recv()
			}
			return err
		},
	} {
		for _, db := range []string{"", "projects/p", "projects/p/databases/UPPER"} {
			wantStatus(t, name+" of "+db, call(db), codes.InvalidArgument)
		}
	}
}

func TestAServerStopsAlthoughSomebodyListens(t *testing.T) {
	t.Parallel()
	_, c := start(t, firestore.Options{}) // which fails the test if the server does not stop without an error
	l, err := c.Listen(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	err = l.Send(&pb.ListenRequest{Database: database, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: &pb.Target{
		TargetId: 1, TargetType: &pb.Target_Documents{Documents: &pb.Target_DocumentsTarget{Documents: []string{root + "/c/d"}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Recv(); err != nil {
		t.Fatal(err)
	}
}

package likeness

import (
	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"
)

// request draws one and does it.
func (s *sequence) request(t *rapid.T) {
	s.t = t
	if s.listening && rapid.Bool().Draw(t, "change or listen") {
		rapid.SampledFrom([]func(*rapid.T){s.commit, s.listen, s.commit, s.update, s.delete}).Draw(t, "method")(t)
		return
	}
	draw := rapid.SampledFrom([]func(*rapid.T){
		s.query, s.commit, s.get, s.batchGet, s.query, s.commit, s.aggregate, s.list, s.query, s.commit, s.batchWrite, s.query,
		s.create, s.update, s.delete, s.listCollections, s.query, s.begin, s.rollback, s.listen, s.aggregate, s.commitTransaction,
	}).Draw(t, "method")
	draw(t)
}

// known is the symbol of a transaction: mostly of one that is open.
func (s *sequence) known(t *rapid.T) (symbolic []byte, known *transaction) {
	var open []int
	for i, tr := range s.transactions {
		if !tr.ended {
			open = append(open, i)
		}
	}
	switch {
	case len(open) > 0 && !seldom(t, "strange transaction"):
		i := rapid.SampledFrom(open).Draw(t, "transaction")
		return symbol(i), s.transactions[i]
	case len(s.transactions) > 0 && rapid.Bool().Draw(t, "ended transaction"):
		i := rapid.IntRange(0, len(s.transactions)-1).Draw(t, "transaction")
		return symbol(i), s.transactions[i]
	}
	return []byte("unknown"), &transaction{ended: true, read: map[string]bool{}}
}

// consistency says as of when a request reads. Of its results at most one is set.
func (s *sequence) consistency(t *rapid.T) (of []byte, known *transaction, begin *pb.TransactionOptions, at *timestamppb.Timestamp) {
	switch n := rapid.IntRange(0, 9).Draw(t, "consistency"); {
	case n == 9 && !s.listening:
		return nil, nil, s.options(t), nil
	case n == 8:
		return nil, nil, nil, readTime(t)
	case n >= 6 && len(s.transactions) > 0:
		of, known = s.known(t)
	}
	return of, known, nil, nil
}

func (s *sequence) options(t *rapid.T) *pb.TransactionOptions {
	switch rapid.IntRange(0, 5).Draw(t, "transaction options") {
	default:
		return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{ReadWrite: &pb.TransactionOptions_ReadWrite{}}}
	case 2:
		retry, _ := s.known(t)
		return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{ReadWrite: &pb.TransactionOptions_ReadWrite{RetryTransaction: retry}}}
	case 3:
		return &pb.TransactionOptions{}
	case 4:
		return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: &pb.TransactionOptions_ReadOnly{}}}
	case 5:
		return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: &pb.TransactionOptions_ReadOnly{
			ConsistencySelector: &pb.TransactionOptions_ReadOnly_ReadTime{ReadTime: readTime(t)}}}}
	}
}

func beginsReadOnly(request proto.Message) bool {
	var o *pb.TransactionOptions
	switch q := request.(type) {
	case *pb.BeginTransactionRequest:
		o = q.Options
	case *pb.BatchGetDocumentsRequest:
		o = q.GetNewTransaction()
	case *pb.RunQueryRequest:
		o = q.GetNewTransaction()
	case *pb.RunAggregationQueryRequest:
		o = q.GetNewTransaction()
	}
	if _, own := request.(*pb.BeginTransactionRequest); !own && o.GetMode() == nil {
		return true // other than a transaction that is begun for itself
	}
	return o.GetReadOnly() != nil
}

// reads notes what a transaction has locked: all if there are no names.
func (s *sequence) reads(known *transaction, names ...string) {
	if known == nil {
		return
	}
	if known.first < 0 {
		known.first = s.writes
	}
	known.all = known.all || len(names) == 0
	for _, n := range names {
		known.read[n] = true
	}
}

// beginsElsewhere says whether a transaction is one of another database: it is not used.
func beginsElsewhere(request proto.Message) bool {
	switch q := request.(type) {
	case interface{ GetDatabase() string }:
		return q.GetDatabase() != database
	case interface{ GetParent() string }:
		return q.GetParent() != documents && foreign(q.GetParent())
	}
	return false
}

// doIn does a request that reads in a transaction, or begins one. Google's emulator leaves locks behind where the read
// fails that is to begin one, and nobody can end that. So the sequence ends.
func (s *sequence) doIn(request proto.Message, known *transaction, begin *pb.TransactionOptions) *transaction {
	ok := s.do(request)
	switch {
	case begin == nil:
		return known
	case ok:
		return s.transactions[len(s.transactions)-1]
	}
	s.over = s.over || begin.GetReadOnly() == nil
	return nil
}

// free ends the transactions that would make writes of these documents wait.
func (s *sequence) free(by *transaction, names []string) {
	for i, tr := range s.transactions {
		if tr != by && tr.locks(names) && !s.over {
			tr.ended = true
			s.do(&pb.RollbackRequest{Database: database, Transaction: symbol(i)})
		}
	}
}

// write does a request that writes, in a transaction or not.
func (s *sequence) write(request proto.Message, by *transaction) (ok bool) {
	var names []string
	for _, w := range written(request) {
		names = append(names, nameWritten(w))
	}
	s.free(by, names)
	if s.over || !s.do(request) {
		return false
	}
	s.writes++
	return true
}

func (s *sequence) commit(t *rapid.T) {
	q := &pb.CommitRequest{Database: databaseName(t), Writes: writes(t)}
	s.write(q, nil)
}

func (s *sequence) commitTransaction(t *rapid.T) {
	if len(s.transactions) == 0 {
		s.begin(t)
		return
	}
	q := &pb.CommitRequest{Database: databaseName(t), Writes: writes(t)}
	of, known := s.known(t)
	q.Transaction = of
	ok := s.write(q, known)
	if !ok && !known.ended && !s.over { // whether it has ended is to be the same, too
		s.do(&pb.RollbackRequest{Database: database, Transaction: of})
	}
	known.ended = true
}

func (s *sequence) batchWrite(t *rapid.T) {
	q := &pb.BatchWriteRequest{Database: databaseName(t), Writes: writes(t)}
	s.write(q, nil)
}

func (s *sequence) create(t *rapid.T) {
	id := rapid.SampledFrom([]string{"x", "y", "new", "é"}).Draw(t, "id")
	if seldom(t, "bad id") {
		id = rapid.SampledFrom([]string{"a/b", "__x__", ".", ".."}).Draw(t, "id")
	}
	d, _ := changed(t, "")
	q := &pb.CreateDocumentRequest{Parent: parent(t), CollectionId: collection(t), DocumentId: id, Document: d, Mask: mask(t)}
	if seldom(t, "document has a name") {
		q.Document.Name = name(t)
	}
	s.write(q, nil)
}

func (s *sequence) update(t *rapid.T) {
	d, only := changed(t, name(t))
	q := &pb.UpdateDocumentRequest{Document: d, UpdateMask: only, Mask: mask(t), CurrentDocument: precondition(t)}
	s.write(q, nil)
}

func (s *sequence) delete(t *rapid.T) {
	q := &pb.DeleteDocumentRequest{Name: name(t), CurrentDocument: precondition(t)}
	s.write(q, nil)
}

func (s *sequence) get(t *rapid.T) {
	q := &pb.GetDocumentRequest{Name: name(t), Mask: mask(t)}
	of, known, _, at := s.consistency(t)
	switch {
	case of != nil:
		q.ConsistencySelector = &pb.GetDocumentRequest_Transaction{Transaction: of}
	case at != nil:
		q.ConsistencySelector = &pb.GetDocumentRequest_ReadTime{ReadTime: at}
	}
	s.do(q)
	s.reads(known, q.Name)
}

func (s *sequence) batchGet(t *rapid.T) {
	q := &pb.BatchGetDocumentsRequest{Database: databaseName(t), Mask: mask(t)}
	for range rapid.IntRange(1, 3).Draw(t, "documents") {
		q.Documents = append(q.Documents, name(t))
	}
	of, known, begin, at := s.consistency(t)
	switch {
	case of != nil:
		q.ConsistencySelector = &pb.BatchGetDocumentsRequest_Transaction{Transaction: of}
	case begin != nil:
		q.ConsistencySelector = &pb.BatchGetDocumentsRequest_NewTransaction{NewTransaction: begin}
	case at != nil:
		q.ConsistencySelector = &pb.BatchGetDocumentsRequest_ReadTime{ReadTime: at}
	}
	s.reads(s.doIn(q, known, begin), q.Documents...)
}

func (s *sequence) list(t *rapid.T) {
	if len(s.pages) > 0 && often(t, "next page") {
		s.nextPage(t)
		return
	}
	q := &pb.ListDocumentsRequest{Parent: parent(t), CollectionId: collection(t), PageSize: rapid.Int32Range(0, 3).Draw(t, "page size"),
		Mask: mask(t), ShowMissing: often(t, "show missing")}
	if seldom(t, "no page token") {
		q.PageToken = "none"
	}
	of, known, _, at := s.consistency(t)
	switch {
	case of != nil:
		q.ConsistencySelector = &pb.ListDocumentsRequest_Transaction{Transaction: of}
	case at != nil:
		q.ConsistencySelector = &pb.ListDocumentsRequest_ReadTime{ReadTime: at}
	}
	if !q.ShowMissing && often(t, "order") || seldom(t, "order and missing documents") {
		q.OrderBy = rapid.SampledFrom([]string{"__name__", "__name__ desc", "f", "f desc", "f,", "f up"}).Draw(t, "order by")
	}
	s.do(q)
	s.reads(known)
}

// nextPage repeats a request that had more to answer.
func (s *sequence) nextPage(t *rapid.T) {
	n := rapid.IntRange(0, len(s.pages)-1).Draw(t, "page")
	switch q := proto.Clone(s.pages[n]).(type) {
	case *pb.ListDocumentsRequest:
		q.PageToken = string(symbol(n))
		s.do(q)
		s.reads(s.transactionOf(q.GetTransaction()))
	case *pb.ListCollectionIdsRequest:
		q.PageToken = string(symbol(n))
		s.do(q)
	}
}

// transactionOf is the one that a symbol stands for; nil if there is none.
func (s *sequence) transactionOf(of []byte) *transaction {
	for i, known := range s.transactions {
		if string(symbol(i)) == string(of) {
			return known
		}
	}
	return nil
}

func (s *sequence) listCollections(t *rapid.T) {
	q := &pb.ListCollectionIdsRequest{Parent: parent(t), PageSize: rapid.Int32Range(0, 2).Draw(t, "page size")}
	if _, _, _, at := s.consistency(t); at != nil {
		q.ConsistencySelector = &pb.ListCollectionIdsRequest_ReadTime{ReadTime: at}
	}
	s.do(q)
}

func (s *sequence) query(t *rapid.T) {
	q := &pb.RunQueryRequest{Parent: parent(t)}
	q.QueryType = &pb.RunQueryRequest_StructuredQuery{StructuredQuery: structuredQuery(t, q.Parent)}
	of, known, begin, at := s.consistency(t)
	switch {
	case of != nil:
		q.ConsistencySelector = &pb.RunQueryRequest_Transaction{Transaction: of}
	case begin != nil:
		q.ConsistencySelector = &pb.RunQueryRequest_NewTransaction{NewTransaction: begin}
	case at != nil:
		q.ConsistencySelector = &pb.RunQueryRequest_ReadTime{ReadTime: at}
	}
	s.reads(s.doIn(q, known, begin))
}

func (s *sequence) aggregate(t *rapid.T) {
	q := &pb.RunAggregationQueryRequest{Parent: parent(t)}
	base := structuredQuery(t, q.Parent)
	if !seldom(t, "aggregation of a projection") {
		base.Select = nil
	}
	q.QueryType = &pb.RunAggregationQueryRequest_StructuredAggregationQuery{
		StructuredAggregationQuery: &pb.StructuredAggregationQuery{Aggregations: aggregations(t),
			QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: base}}}
	of, known, begin, at := s.consistency(t)
	switch {
	case of != nil:
		q.ConsistencySelector = &pb.RunAggregationQueryRequest_Transaction{Transaction: of}
	case begin != nil:
		q.ConsistencySelector = &pb.RunAggregationQueryRequest_NewTransaction{NewTransaction: begin}
	case at != nil:
		q.ConsistencySelector = &pb.RunAggregationQueryRequest_ReadTime{ReadTime: at}
	}
	s.reads(s.doIn(q, known, begin))
}

func (s *sequence) begin(t *rapid.T) {
	if s.listening { // what a transaction has locked would keep the barrier from being written
		s.listen(t)
		return
	}
	s.do(&pb.BeginTransactionRequest{Database: databaseName(t), Options: s.options(t)})
}

func (s *sequence) rollback(t *rapid.T) {
	of, known := s.known(t)
	if s.do(&pb.RollbackRequest{Database: databaseName(t), Transaction: of}) {
		known.ended = true
	}
}

// listen adds a target, or removes one if there are some.
func (s *sequence) listen(t *rapid.T) {
	if !s.listening {
		s.begin(t)
		return
	}
	if len(s.targets) > 2 {
		first := s.targets[0]
		s.targets = s.targets[1:]
		s.do(&pb.ListenRequest{Database: database, TargetChange: &pb.ListenRequest_RemoveTarget{RemoveTarget: first}})
		return
	}
	target := &pb.Target{TargetId: int32(len(s.history) + 1)}
	if often(t, "documents target") {
		names := &pb.Target_DocumentsTarget{}
		for range rapid.IntRange(1, 2).Draw(t, "documents") {
			names.Documents = append(names.Documents, name(t))
		}
		target.TargetType = &pb.Target_Documents{Documents: names}
	} else {
		below := parent(t)
		target.TargetType = &pb.Target_Query{Query: &pb.Target_QueryTarget{Parent: below,
			QueryType: &pb.Target_QueryTarget_StructuredQuery{StructuredQuery: listened(t, below)}}}
	}
	s.targets = append(s.targets, target.TargetId)
	s.do(&pb.ListenRequest{Database: database, TargetChange: &pb.ListenRequest_AddTarget{AddTarget: target}})
}

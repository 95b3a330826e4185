package database

import (
	"crypto/rand"
	"encoding/binary"
	"sync"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// https://firebase.google.com/docs/firestore/quotas#writes_and_transactions
const (
	longest = 270 * time.Second
	idle    = 60 * time.Second
)

// The words of errExpired are Firestore's: its clients begin anew when they read them
// (https://github.com/googleapis/nodejs-firestore/pull/1347).
var (
	errExpired   = status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
	errUnknown   = status.Error(codes.InvalidArgument, "Invalid transaction.")
	errReadOnly  = status.Error(codes.InvalidArgument, "Cannot retry a read-only transaction.")
	errContended = status.Error(codes.Aborted,
		"What the transaction read was changed by another one that was committed first. Please try it again.")
)

// transactions are those of a database that were begun and not ended.
type transactions struct {
	run   [8]byte // tells this database's ids from others'
	last  uint64  // number that was given, readOnlyBit apart
	open  map[uint64]*Transaction
	swept time.Time
}

// readOnlyBit is set in the numbers of read-only transactions, so that it is known of those that were ended, too.
const readOnlyBit = 1

func newTransactions() transactions {
	t := transactions{open: map[uint64]*Transaction{}}
	rand.Read(t.run[:])
	return t
}

// id is what clients call a transaction by.
func (ts *transactions) id(number uint64) []byte {
	return binary.BigEndian.AppendUint64(ts.run[:len(ts.run):len(ts.run)], number)
}

// number is the number of an id; it is false for one that was never given.
func (ts *transactions) number(id []byte) (uint64, bool) {
	if len(id) != 16 || [8]byte(id) != ts.run {
		return 0, false
	}
	n := binary.BigEndian.Uint64(id[8:])
	return n, n > readOnlyBit && n <= ts.last|readOnlyBit
}

// sweep forgets, now and then, those that nobody ended.
func (ts *transactions) sweep(now time.Time) {
	if now.Sub(ts.swept) < idle {
		return
	}
	ts.swept = now
	for n, t := range ts.open {
		if t.expired(now) {
			delete(ts.open, n)
		}
	}
}

// Transaction is what was read since Begin, all of one moment: that of the first read, or of Begin if it is read-only.
type Transaction struct {
	db          *Database
	number      uint64
	readOnly    bool
	begun, used time.Time // guarded by the database

	mu      sync.Mutex
	view    View // nil before the first read
	read    map[string]*Document
	depends []func(View) bool
}

// Begin begins a transaction. A retry (retry_transaction) begins anew.
func (db *Database) Begin(o *pb.TransactionOptions) (*Transaction, error) {
	t := &Transaction{db: db, readOnly: o.GetReadOnly() != nil, read: map[string]*Document{}}
	if at := o.GetReadOnly().GetReadTime(); at != nil {
		v, err := db.At(at.AsTime())
		if err != nil {
			return nil, err
		}
		t.view = v
	} else if t.readOnly {
		t.view = db.Latest()
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.transactions.retry(o.GetReadWrite().GetRetryTransaction()); err != nil {
		return nil, err
	}
	db.transactions.add(t, db.wall())
	return t, nil
}

// retry checks which transaction is tried again. Nothing has to be ended for that: it holds no locks.
func (ts *transactions) retry(id []byte) error {
	if id == nil {
		return nil
	}
	n, ok := ts.number(id)
	switch {
	case !ok:
		return errUnknown
	case n&readOnlyBit != 0:
		return errReadOnly
	}
	return nil
}

func (ts *transactions) add(t *Transaction, now time.Time) {
	ts.sweep(now)
	ts.last += 2 * readOnlyBit
	t.number, t.begun, t.used = ts.last, now, now
	if t.readOnly {
		t.number |= readOnlyBit
	}
	ts.open[t.number] = t
}

// Transaction is one that was begun and not ended. INVALID_ARGUMENT as Firestore says it for any other, also for
// one that expired (270 s after Begin, or 60 s idle).
func (db *Database) Transaction(id []byte) (*Transaction, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	n, known := db.transactions.number(id)
	t := db.transactions.open[n]
	now := db.wall()
	switch {
	case !known:
		return nil, errUnknown
	case t == nil:
		return nil, errExpired
	case t.expired(now):
		delete(db.transactions.open, n)
		return nil, errExpired
	}
	t.used = now
	return t, nil
}

func (t *Transaction) expired(now time.Time) bool {
	return now.Sub(t.begun) > longest || now.Sub(t.used) > idle
}

// ID is what the client calls it by.
func (t *Transaction) ID() []byte { return t.db.transactions.id(t.number) }

// View is the moment at which the transaction reads.
func (t *Transaction) View() View {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.view == nil {
		t.view = t.db.Latest()
	}
	return t.view
}

// Read reads a document. If it is another one at commit, the transaction is ABORTED.
func (t *Transaction) Read(path string) *Document {
	d := t.View().Get(path)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read[path] = d
	return d
}

// Depends makes the transaction ABORTED at commit unless unchanged says that the latest view still answers what it
// answered: how a query becomes part of what a transaction read.
func (t *Transaction) Depends(unchanged func(latest View) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.depends = append(t.depends, unchanged)
}

// Rollback forgets a transaction. One that was ended already is no error, one that never was is INVALID_ARGUMENT.
func (db *Database) Rollback(id []byte) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	n, known := db.transactions.number(id)
	if !known {
		return errUnknown
	}
	delete(db.transactions.open, n)
	return nil
}

// end is false if the transaction was ended before.
func (db *Database) end(t *Transaction) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	_, open := db.transactions.open[t.number]
	delete(db.transactions.open, t.number)
	return open
}

// validate says whether what the transaction read is as it was. Nothing is committed meanwhile.
func (t *Transaction) validate() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.db.unchanged(t.read) {
		return errContended
	}
	if len(t.depends) == 0 {
		return nil
	}
	latest := t.db.Latest()
	for _, unchanged := range t.depends {
		if !unchanged(latest) {
			return errContended
		}
	}
	return nil
}

func (db *Database) unchanged(read map[string]*Document) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	for path, then := range read {
		if now, _ := db.docs.Get(keyOf(path)); now != then {
			return false
		}
	}
	return true
}

package database

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func begin(t fataler, db *Database) *Transaction {
	t.Helper()
	tx, err := db.Begin(nil)
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return tx
}

func readOnly(at *timestamppb.Timestamp) *pb.TransactionOptions {
	o := &pb.TransactionOptions_ReadOnly{}
	if at != nil {
		o.ConsistencySelector = &pb.TransactionOptions_ReadOnly_ReadTime{ReadTime: at}
	}
	return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: o}}
}

func TestATransactionIsAbortedIfWhatItReadIsNotAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile []*pb.Write
		want      codes.Code
	}{
		"nothing happened":           {nil, codes.OK},
		"another document changed":   {[]*pb.Write{put("c/other", nil)}, codes.OK},
		"a write changed nothing":    {[]*pb.Write{put("c/d", fields{"x": 1})}, codes.OK},
		"it was changed":             {[]*pb.Write{put("c/d", fields{"x": 2})}, codes.Aborted},
		"it was deleted":             {[]*pb.Write{del("c/d")}, codes.Aborted},
		"it was deleted and is back": {[]*pb.Write{del("c/d"), put("c/d", fields{"x": 1})}, codes.Aborted},
		"what was missing is there":  {[]*pb.Write{put("c/missing", nil)}, codes.Aborted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, nil)
			must(t, db, put("c/d", fields{"x": 1}))
			tx := begin(t, db)
			if show(tx.Read("c/d")) != "{x:1}" || tx.Read("c/missing") != nil {
				t.Fatal("it read something else")
			}
			must(t, db, c.meanwhile...)
			_, err := db.Commit(background, tx, []*pb.Write{put("c/written", nil)})
			wantCode(t, "commit", err, c.want)
			if written := db.Latest().Get("c/written") != nil; written != (c.want == codes.OK) {
				t.Errorf("written: %v", written)
			}
			_, err = db.Transaction(tx.ID())
			wantCode(t, "the transaction afterwards", err, codes.InvalidArgument)
			_, err = db.Commit(background, tx, []*pb.Write{put("c/again", nil)})
			wantCode(t, "commit again", err, codes.InvalidArgument)
		})
	}
}

func TestAQueryOfATransactionIsAskedAgainAtCommit(t *testing.T) {
	t.Parallel()
	all := byName(Scope{Collection: "c"})
	for name, c := range map[string]struct {
		meanwhile *pb.Write
		want      codes.Code
	}{
		"the same":  {put("other/d", nil), codes.OK},
		"a phantom": {put("c/new", nil), codes.Aborted},
		"one less":  {del("c/d"), codes.Aborted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t, nil)
			must(t, db, put("c/d", nil))
			tx := begin(t, db)
			found := paths(tx.View(), all)
			tx.Depends(func(latest View) bool { return slices.Equal(found, paths(latest, all)) })
			must(t, db, c.meanwhile)
			_, err := db.Commit(background, tx, []*pb.Write{put("w/w", nil)})
			wantCode(t, "commit", err, c.want)
		})
	}
}

func TestATransactionReadsTheMomentOfItsFirstRead(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/a", fields{"x": 1}), put("c/b", fields{"x": 1}))
	tx := begin(t, db)
	must(t, db, put("c/a", fields{"x": 2}))
	if got := show(tx.Read("c/a")); got != "{x:2}" {
		t.Errorf("the first read is %s: it is to see what was committed before", got)
	}
	must(t, db, put("c/a", fields{"x": 3}), put("c/b", fields{"x": 3}), put("c/c", nil))
	if got := show(tx.Read("c/a")) + show(tx.Read("c/b")) + show(tx.View().Get("c/c")); got != "{x:2}{x:1}-" {
		t.Errorf("later reads are %s: they are to be of the same moment", got)
	}
}

func TestATransactionThatOnlyReadIsNotAborted(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	tx := begin(t, db)
	tx.Read("c/a")
	must(t, db, put("c/a", nil))
	_, err := db.Commit(background, tx, nil)
	wantCode(t, "commit", err, codes.OK)
}

func TestAReadOnlyTransactionReadsItsTimeAndWritesNothing(t *testing.T) {
	t.Parallel()
	c := newClock()
	db := open(t, c.Now)
	at := must(t, db, put("c/a", fields{"x": 1})).CommitTime
	c.advance(time.Second)
	must(t, db, put("c/a", fields{"x": 2}))
	for at, want := range map[*timestamppb.Timestamp]string{nil: "{x:2}", at: "{x:1}"} {
		tx, err := db.Begin(readOnly(at))
		if err != nil {
			t.Fatal(err)
		}
		must(t, db, put("c/a", fields{"x": 3}))
		if got := show(tx.Read("c/a")); got != want {
			t.Errorf("at %v: %s, want %s", at, got, want)
		}
		_, err = db.Commit(background, tx, []*pb.Write{put("c/b", nil)})
		wantCode(t, "commit with writes", err, codes.InvalidArgument)
		must(t, db, put("c/a", fields{"x": 2, "t": want}))
		_, err = db.Commit(background, tx, nil)
		wantCode(t, "commit without", err, codes.OK)
		must(t, db, put("c/a", fields{"x": 2}))
	}
	_, err := db.Begin(readOnly(timestamppb.New(c.Now().Add(time.Minute))))
	wantCode(t, "begin in the future", err, codes.InvalidArgument)
	_, err = db.Begin(readOnly(&timestamppb.Timestamp{Seconds: c.Now().Unix() - 1, Nanos: 1}))
	wantCode(t, "begin at nanoseconds", err, codes.InvalidArgument)
	c.advance(2 * time.Hour)
	_, err = db.Begin(readOnly(at))
	wantCode(t, "begin two hours ago", err, codes.FailedPrecondition)
}

func TestATransactionExpires(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step  time.Duration // between uses
		steps int
		want  codes.Code
	}{
		"used now and then":     {50 * time.Second, 5, codes.OK},
		"idle for too long":     {61 * time.Second, 1, codes.InvalidArgument},
		"in use for too long":   {46 * time.Second, 6, codes.InvalidArgument},
		"just not in too long":  {45 * time.Second, 6, codes.OK},
		"just not idle so long": {60 * time.Second, 1, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			db := open(t, clock.Now)
			id := begin(t, db).ID()
			var err error
			for range c.steps {
				clock.advance(c.step)
				_, err = db.Transaction(id)
			}
			wantCode(t, name, err, c.want)
		})
	}
}

func TestTransactionsThatNobodyEndsAreForgotten(t *testing.T) {
	t.Parallel()
	c := newClock()
	db := open(t, c.Now)
	for range 100 {
		begin(t, db)
	}
	c.advance(2 * idle)
	begin(t, db)
	if n := len(db.transactions.open); n != 1 {
		t.Errorf("%d transactions are open", n)
	}
}

func TestAnIDThatWasNeverGivenIsNoTransaction(t *testing.T) {
	t.Parallel()
	db, other := open(t, nil), open(t, nil)
	tx := begin(t, db)
	next := db.transactions.id(tx.number + 2*readOnlyBit)
	for _, id := range [][]byte{nil, {}, []byte("x"), make([]byte, 16), begin(t, other).ID(), next} {
		_, err := db.Transaction(id)
		wantCode(t, fmt.Sprintf("transaction %q", id), err, codes.InvalidArgument)
		wantCode(t, fmt.Sprintf("rollback of %q", id), db.Rollback(id), codes.InvalidArgument)
	}
	if got, err := db.Transaction(tx.ID()); got != tx {
		t.Errorf("got %v, %v", got, err)
	}
	for range 2 {
		wantCode(t, "rollback", db.Rollback(tx.ID()), codes.OK)
	}
	_, err := db.Transaction(tx.ID())
	wantCode(t, "the transaction afterwards", err, codes.InvalidArgument)
}

func TestARetryBeginsAnew(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	retry := func(id []byte) (*Transaction, error) {
		return db.Begin(&pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
			ReadWrite: &pb.TransactionOptions_ReadWrite{RetryTransaction: id},
		}})
	}
	first := begin(t, db)
	first.Read("c/a")
	must(t, db, put("c/a", nil))
	second, err := retry(first.ID())
	if err != nil || second.Read("c/a") == nil {
		t.Errorf("the second does not see what there is: %v", err)
	}
	_, err = db.Transaction(first.ID())
	wantCode(t, "the first afterwards", err, codes.OK)
	_, err = db.Commit(background, first, []*pb.Write{put("c/b", nil)})
	wantCode(t, "commit of the first", err, codes.Aborted)
	only, err := db.Begin(readOnly(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = retry(only.ID())
	wantCode(t, "a retry of a read-only one", err, codes.InvalidArgument)
	if err := db.Rollback(only.ID()); err != nil {
		t.Error(err)
	}
	_, err = retry(only.ID())
	wantCode(t, "a retry of one that was ended", err, codes.InvalidArgument)
	_, err = retry([]byte("never given"))
	wantCode(t, "a retry of nothing", err, codes.InvalidArgument)
}

func TestAMalformedWriteDoesNotEndATransactionButAFailedOneDoes(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	tx := begin(t, db)
	_, err := db.Commit(background, tx, []*pb.Write{put("c/__a__", nil)})
	wantCode(t, "malformed", err, codes.InvalidArgument)
	_, err = db.Commit(background, tx, []*pb.Write{exists(put("c/a", nil), true)})
	wantCode(t, "failed", err, codes.NotFound)
	_, err = db.Commit(background, tx, []*pb.Write{put("c/a", nil)})
	wantCode(t, "afterwards", err, codes.InvalidArgument)
}

// transact tries until it is not contended. It gives f what it read, and writes what f answers.
func transact(t *testing.T, db *Database, f func(tx *Transaction) []*pb.Write) {
	for {
		tx := begin(t, db)
		_, err := db.Commit(background, tx, f(tx))
		if status.Code(err) != codes.Aborted {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

func balance(d *Document) int { return int(d.Fields()["x"].GetIntegerValue()) }

// TestConcurrentTransactionsAreSerializable moves money between few accounts, of which each transaction reads all:
// at no moment may there be more or less of it, nor may an account be overdrawn, which is decided by the sum of two
// (write skew).
func TestConcurrentTransactionsAreSerializable(t *testing.T) {
	t.Parallel()
	const accounts, each, workers, transfers = 4, 100, 8, 50
	db := open(t, nil)
	account := func(i int) string { return fmt.Sprint("accounts/", i) }
	for i := range accounts {
		must(t, db, put(account(i), fields{"x": each}))
	}
	all := byName(Scope{Collection: "accounts"})
	sum := func(v View) (n int) {
		for _, d := range v.Scan(all, nil, nil, false) {
			n += balance(d)
		}
		return n
	}
	var watched []int
	_, stop := db.Watch(func(b Batch) {
		n := 0
		for _, c := range b.Changes {
			if c.Before != nil {
				n += balance(c.After) - balance(c.Before)
			}
		}
		watched = append(watched, n)
	})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range transfers {
				from, to, n := random.IntN(accounts), random.IntN(accounts), random.IntN(20)
				transact(t, db, func(tx *Transaction) []*pb.Write {
					a, b := balance(tx.Read(account(from))), balance(tx.Read(account(to)))
					if got := sum(tx.View()); got != accounts*each {
						t.Errorf("a transaction sees %d in all", got)
					}
					if from == to || a < n {
						return nil
					}
					return []*pb.Write{put(account(from), fields{"x": a - n}), put(account(to), fields{"x": b + n}),
						with(merge("counter/c", nil, ""), increment("x", 1))}
				})
			}
		})
	}
	wg.Wait()
	stop()
	if got := sum(db.Latest()); got != accounts*each {
		t.Errorf("%d in all", got)
	}
	for i := range accounts {
		if n := balance(db.Latest().Get(account(i))); n < 0 {
			t.Errorf("account %d has %d", i, n)
		}
	}
	if n := balance(db.Latest().Get("counter/c")); n != len(watched) {
		t.Errorf("%d transfers counted, %d watched", n, len(watched))
	}
}

// TestTwoThatReadWhatTheOtherWritesDoNotBothCommit is write skew, and its kind for what a query found.
func TestTwoThatReadWhatTheOtherWritesDoNotBothCommit(t *testing.T) {
	t.Parallel()
	db := open(t, nil)
	must(t, db, put("c/a", fields{"x": 1}), put("c/b", fields{"x": 1}))
	one, two := begin(t, db), begin(t, db)
	one.Read("c/a")
	two.Read("c/b")
	_, err1 := db.Commit(background, one, []*pb.Write{put("c/b", fields{"x": 0})})
	_, err2 := db.Commit(background, two, []*pb.Write{put("c/a", fields{"x": 0})})
	wantCode(t, "the first", err1, codes.OK)
	wantCode(t, "the second", err2, codes.Aborted)
	if !errors.Is(err2, errContended) {
		t.Errorf("got %v", err2)
	}
}

func TestConcurrentCounterLosesNothing(t *testing.T) {
	t.Parallel()
	const workers, each = 8, 40
	db := open(t, nil)
	must(t, db, put("c/n", fields{"x": 0}))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range each {
				transact(t, db, func(tx *Transaction) []*pb.Write {
					return []*pb.Write{put("c/n", fields{"x": balance(tx.Read("c/n")) + 1})}
				})
			}
		})
	}
	wg.Wait()
	if n := balance(db.Latest().Get("c/n")); n != workers*each {
		t.Errorf("%d, want %d", n, workers*each)
	}
}

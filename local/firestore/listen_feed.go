package firestore

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync"
	"time"

	"orderflow.dev/local/firestore/database"
)

// topic is what a target is told of: the smallest set of documents by which commits can be sorted without looking into
// the documents.
type topic struct {
	kind topicKind
	name string // a path, or the id of a collection for aGroup
}

type topicKind byte

const (
	aDocument   topicKind = iota
	aCollection           // by its path
	aGroup                // all collections of an id
	everything
)

// topicsOf are the topics that a document belongs to.
func topicsOf(document string) [4]topic {
	collection := document[:strings.LastIndexByte(document, '/')]
	id := collection[strings.LastIndexByte(collection, '/')+1:]
	return [...]topic{{aDocument, document}, {aCollection, collection}, {aGroup, id}, {everything, ""}}
}

// topicOf is the topic of all documents that a query ranges over.
func topicOf(s database.Scope) topic {
	switch {
	case s.Group && s.Collection == "":
		return topic{everything, ""}
	case s.Group:
		return topic{aGroup, s.Collection}
	case s.Parent == "":
		return topic{aCollection, s.Collection}
	}
	return topic{aCollection, s.Parent + "/" + s.Collection}
}

// feeds are the databases that somebody listens to.
type feeds struct {
	epoch [8]byte // tells the resume tokens of this server from those of another, whose history it does not know
	mu    sync.Mutex
	feeds map[*database.Database]*feed
}

func newFeeds() *feeds {
	f := &feeds{feeds: map[*database.Database]*feed{}}
	_, _ = rand.Read(f.epoch[:]) // never fails
	return f
}

// token is a resume token: the moment up to which a client knows everything.
func (f *feeds) token(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(f.epoch[:len(f.epoch):len(f.epoch)], uint64(t.UnixMicro()))
}

// moment is the moment of a resume token of this server.
func (f *feeds) moment(token []byte) (t time.Time, ok bool) {
	if len(token) != len(f.epoch)+8 || [8]byte(token) != f.epoch {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(binary.BigEndian.Uint64(token[len(f.epoch):]))).UTC(), true
}

// join is the feed of a database, for one more stream. The stream leaves it when it ends.
func (f *feeds) join(db *database.Database) *feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	fd := f.feeds[db]
	if fd == nil {
		fd = &feed{inboxes: map[topic]map[*inbox]struct{}{}}
		_, fd.stop = db.Watch(fd.publish)
		f.feeds[db] = fd
	}
	fd.streams++
	return fd
}

// leave ends what a stream has to do with a feed. The database is not watched any more when the last stream has left.
func (f *feeds) leave(db *database.Database, in *inbox) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fd := f.feeds[db]
	fd.mu.Lock()
	for t := range in.topics {
		fd.drop(in, t)
	}
	fd.mu.Unlock()
	if fd.streams--; fd.streams == 0 {
		fd.stop()
		delete(f.feeds, db)
	}
}

// feed hands the commits of a database to the streams that want them.
type feed struct {
	stop    func()
	streams int // guarded by feeds

	mu      sync.RWMutex
	inboxes map[topic]map[*inbox]struct{}
}

// publish is called inside each commit: what nobody listens to costs some look-ups.
func (fd *feed) publish(b database.Batch) {
	fd.mu.RLock()
	defer fd.mu.RUnlock()
	for _, c := range b.Changes {
		for _, t := range topicsOf(changed(c)) {
			for in := range fd.inboxes[t] {
				in.put(b)
			}
		}
	}
}

// subscribe lets an inbox have all commits that come from now on with documents of these topics.
func (fd *feed) subscribe(in *inbox, topics []topic) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	for _, t := range topics {
		in.topics[t]++
		if fd.inboxes[t] == nil {
			fd.inboxes[t] = map[*inbox]struct{}{}
		}
		fd.inboxes[t][in] = struct{}{}
	}
}

// unsubscribe undoes one subscribe.
func (fd *feed) unsubscribe(in *inbox, topics []topic) {
	fd.mu.Lock()
	defer fd.mu.Unlock()
	for _, t := range topics {
		if in.topics[t]--; in.topics[t] == 0 {
			fd.drop(in, t)
		}
	}
}

// drop forgets what an inbox wants of a topic.
func (fd *feed) drop(in *inbox, t topic) {
	delete(in.topics, t)
	delete(fd.inboxes[t], in)
	if len(fd.inboxes[t]) == 0 {
		delete(fd.inboxes, t)
	}
}

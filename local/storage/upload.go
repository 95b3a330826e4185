package storage

import (
	"net/http"
	"os"
	"time"
)

// upload is what is known of content before it comes.
type upload struct {
	Bucket     string        `json:"bucket"`
	Name       string        `json:"name"`
	Attributes attributes    `json:"attributes"`
	Hashes     []string      `json:"hashes"` // as draft.verify knows them
	If         preconditions `json:"if"`
	Length     int64         `json:"length"` // bytes; 0 if not known
	Components int64         `json:"components"`
}

// admit says early what commit would say, to spare the way of much content.
func (s *store) admit(u upload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(u.Bucket)
	if err != nil {
		return err
	}
	return u.If.check(b.objects[u.Name], http.StatusPreconditionFailed)
}

// commit makes a draft an object. It is the only place where content comes to be seen.
func (s *store) commit(d *draft, u upload, id string) (*object, error) {
	if err := d.verify(u.Hashes); err != nil {
		return nil, err
	}
	if err := s.disk.sync(d.file); err != nil { // not under the lock: it may be much
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(u.Bucket)
	if err != nil {
		return nil, err
	}
	before := b.objects[u.Name]
	if err := u.If.check(before, http.StatusPreconditionFailed); err != nil {
		return nil, err
	}
	now := time.Now()
	o := newObject(d, u, max(now.UnixMicro(), s.generation+1), now)
	content := s.dataPath(o.Generation)
	if err := d.moveTo(content); err != nil {
		return nil, err
	}
	if err = s.disk.syncPath(s.dataDir()); err == nil {
		err = s.write(record{Put: o, Upload: id, Events: s.outbox.events(o)})
	}
	if err != nil {
		os.Remove(content)
		return nil, err
	}
	if before != nil {
		os.Remove(s.dataPath(before.Generation)) // readers that have it open go on; sweep tries again
	}
	return o, nil
}

// madeBy is the object that a resumable upload became; nil if it became none.
func (s *store) madeBy(upload string) *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads[upload]
}

package storage

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
)

// store is what is stored: the journal's records applied, and a file of content for each object, named by its
// generation. Records are applied in the same way when they are written and when they are read again.
type store struct {
	dir  string
	disk disk

	mu         sync.Mutex
	journal    *journal
	generation int64 // the last that was given away, in microseconds since 1970
	buckets    map[string]*bucket
	uploads    map[string]*object // by the resumable upload that made them
	outbox     outbox
}

type bucketResource struct {
	Kind           string `json:"kind"`
	ID             string `json:"id"`
	Name           string `json:"name"`
	Location       string `json:"location"`
	StorageClass   string `json:"storageClass"`
	Metageneration int64  `json:"metageneration,string"`
	TimeCreated    string `json:"timeCreated"`
	Updated        string `json:"updated"`
}

type bucket struct {
	resource bucketResource
	objects  map[string]*object
	names    []string // sorted
}

// openStore reads what is in a folder, and clears away what an earlier process did not finish.
func openStore(dir string, triggers []Trigger, to disk) (*store, error) {
	s := &store{dir: dir, disk: to, buckets: map[string]*bucket{}, uploads: map[string]*object{}, outbox: newOutbox(triggers)}
	for _, d := range []string{s.dataDir(), s.draftDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := to.syncPath(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "journal.jsonl")
	if err := replay(path, s.apply); err != nil {
		return nil, err
	}
	var err error
	if s.journal, err = newJournal(path, s.records(), to); err != nil {
		return nil, err
	}
	return s, s.sweep()
}

func (s *store) dataDir() string  { return filepath.Join(s.dir, "data") }
func (s *store) draftDir() string { return filepath.Join(s.dir, "drafts") }

func (s *store) dataPath(generation int64) string {
	return filepath.Join(s.dataDir(), strconv.FormatInt(generation, 10))
}

// sweep removes content of no object: its record was never written, or its removal failed.
func (s *store) sweep() error {
	live := map[string]bool{}
	for _, b := range s.buckets {
		for _, o := range b.objects {
			live[filepath.Base(s.dataPath(o.Generation))] = true
		}
	}
	files, err := os.ReadDir(s.dataDir())
	for _, f := range files {
		if !live[f.Name()] {
			os.Remove(filepath.Join(s.dataDir(), f.Name())) // tried again next time
		}
	}
	return err
}

// records are the shortest journal of what is stored.
func (s *store) records() []record {
	all := []record{{Generation: s.generation}}
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		b := s.buckets[name]
		all = append(all, record{Bucket: &b.resource})
		for _, name := range b.names {
			o := b.objects[name]
			all = append(all, record{Put: o, Upload: o.upload})
		}
	}
	return append(all, s.outbox.records()...)
}

// write makes a change: from here on it has happened. That an event was delivered does not wait for the disk: it may be
// delivered again.
func (s *store) write(r record) error {
	to := s.disk
	if r.Done != nil {
		to = nil
	}
	if err := s.journal.append(r, to); err != nil {
		return err
	}
	s.apply(r)
	return nil
}

func (s *store) apply(r record) {
	s.generation = max(s.generation, r.Generation)
	switch {
	case r.Bucket != nil:
		s.buckets[r.Bucket.Name] = &bucket{resource: *r.Bucket, objects: map[string]*object{}}
	case r.Drop != "":
		delete(s.buckets, r.Drop)
	case r.Put != nil:
		s.put(r.Put, r.Upload)
	case r.Delete != nil:
		s.buckets[r.Delete.Bucket].remove(r.Delete.Name)
	case r.Done != nil:
		s.outbox.remove(*r.Done)
	}
	s.outbox.add(r.Events)
}

func (s *store) put(o *object, upload string) {
	s.generation = max(s.generation, o.Generation)
	if o.upload = upload; upload != "" {
		s.uploads[upload] = o
	}
	b := s.buckets[o.Bucket]
	if i, ok := slices.BinarySearch(b.names, o.Name); !ok {
		b.names = slices.Insert(b.names, i, o.Name)
	}
	b.objects[o.Name] = o
}

func (b *bucket) remove(name string) {
	delete(b.objects, name)
	if i, ok := slices.BinarySearch(b.names, name); ok {
		b.names = slices.Delete(b.names, i, i+1)
	}
}

// bucket needs the lock, as the following.
func (s *store) bucket(name string) (*bucket, error) {
	b, ok := s.buckets[name]
	if !ok {
		return nil, notFound("The specified bucket does not exist: %s", name)
	}
	return b, nil
}

// ref names an object: the live one of a name, or, if the generation is not 0, that one.
type ref struct {
	bucket, name string
	generation   int64
}

// find answers the object that a ref names, if its preconditions hold.
func (s *store) find(at ref, p preconditions, notMatchStatus int) (*object, error) {
	b, err := s.bucket(at.bucket)
	if err != nil {
		return nil, err
	}
	o, ok := b.objects[at.name]
	if !ok || at.generation != 0 && at.generation != o.Generation {
		if at.generation != 0 {
			return nil, notFound("No such object: %s/%s, generation %d", at.bucket, at.name, at.generation)
		}
		return nil, notFound("No such object: %s/%s", at.bucket, at.name)
	}
	return o, p.check(o, notMatchStatus)
}

// open answers an object and its content, which stays readable when the object is replaced meanwhile.
func (s *store) open(at ref, p preconditions, notMatchStatus int) (*object, *os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := s.find(at, p, notMatchStatus)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(s.dataPath(o.Generation))
	return o, f, err
}

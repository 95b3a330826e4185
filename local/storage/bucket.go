package storage

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`)

func (s *store) createBucket(name, location string) (*bucketResource, error) {
	if !bucketName.MatchString(name) {
		return nil, invalid("Invalid bucket name: %q", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.buckets[name]; ok {
		return nil, conflict("The bucket %s already exists.", name)
	}
	at := timestamp(time.Now())
	b := bucketResource{
		Kind: "storage#bucket", ID: name, Name: name, Location: location, StorageClass: "STANDARD",
		Metageneration: 1, TimeCreated: at, Updated: at,
	}
	return &b, s.write(record{Bucket: &b})
}

func (s *Server) insertBucket(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Name         string `json:"name"`
		Location     string `json:"location"`
		StorageClass string `json:"storageClass"`
	}
	if err := decode(r, &asked); err != nil {
		return err
	}
	if c := asked.StorageClass; c != "" && c != "STANDARD" {
		return unsupported("the storage class %s", c)
	}
	if asked.Location == "" {
		asked.Location = "US"
	}
	b, err := s.store.createBucket(asked.Name, asked.Location)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, b)
	return nil
}

func (s *Server) getBucket(w http.ResponseWriter, r *http.Request) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.store.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, b.resource)
	return nil
}

// listBuckets has one page: there are few on one machine.
func (s *Server) listBuckets(w http.ResponseWriter, r *http.Request) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	items := []bucketResource{}
	for _, name := range slices.Sorted(maps.Keys(s.store.buckets)) {
		if strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
			items = append(items, s.store.buckets[name].resource)
		}
	}
	writeJSON(w, http.StatusOK, map[string]any{"kind": "storage#buckets", "items": items})
	return nil
}

func (s *Server) deleteBucket(w http.ResponseWriter, r *http.Request) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.store.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	if len(b.objects) > 0 {
		return conflict("The bucket %s is not empty.", b.resource.Name)
	}
	if err := s.store.write(record{Drop: b.resource.Name}); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

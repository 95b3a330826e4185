package storage

import (
	"io"
	"net/http"
	"os"
	"strconv"
)

// rewrite copies in one call, however large the object.
func (s *Server) rewrite(w http.ResponseWriter, r *http.Request) error {
	o, err := s.duplicate(r)
	if err != nil {
		return err
	}
	size := strconv.FormatInt(o.Size, 10)
	writeJSON(w, http.StatusOK, map[string]any{
		"kind": "storage#rewriteResponse", "totalBytesRewritten": size, "objectSize": size, "done": true, "resource": o,
	})
	return nil
}

func (s *Server) copy(w http.ResponseWriter, r *http.Request) error {
	o, err := s.duplicate(r)
	if err == nil {
		writeJSON(w, http.StatusOK, o)
	}
	return err
}

// duplicate takes the source's attributes, unless the request says others: then all of them are the request's.
func (s *Server) duplicate(r *http.Request) (*object, error) {
	from, err := objectOf(r, "sourceGeneration")
	if err != nil {
		return nil, err
	}
	sourceIf, err := preconditionsOf(r.URL.Query(), "ifSource")
	if err != nil {
		return nil, err
	}
	u, err := destination(r, r.PathValue("toBucket"), r.PathValue("toObject"))
	if err != nil {
		return nil, err
	}
	source, f, err := s.store.open(from, sourceIf, http.StatusPreconditionFailed)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if u.Attributes.none() {
		u.Attributes = source.attributes
	}
	u.Components = source.ComponentCount
	return s.join(u, f)
}

// destination reads where a copy goes, and what the body says of it.
func destination(r *http.Request, bucket, name string) (upload, error) {
	d, err := readDocument(r.Body)
	if err != nil {
		return upload{}, err
	}
	return describedUpload(r, bucket, name, d)
}

func describedUpload(r *http.Request, bucket, name string, d document) (u upload, err error) {
	u = upload{Bucket: bucket, Name: name, Hashes: d.hashes()}
	if u.If, err = preconditionsOf(r.URL.Query(), "if"); err != nil {
		return u, err
	}
	if u.Attributes, err = d.attributes(); err != nil {
		return u, err
	}
	return u, checkName(name)
}

// join makes an object of the content of others, one after another.
func (s *Server) join(u upload, parts ...*os.File) (*object, error) {
	if err := s.store.admit(u); err != nil {
		return nil, err
	}
	d, err := newDraft(s.store.draftDir())
	if err != nil {
		return nil, err
	}
	defer d.discard()
	for _, f := range parts {
		if _, err := io.Copy(d, f); err != nil {
			return nil, err
		}
	}
	return s.store.commit(d, u, "")
}

const maxSources = 32

type composeSource struct {
	Name                string `json:"name"`
	Generation          int64  `json:"generation,string"`
	ObjectPreconditions struct {
		IfGenerationMatch *int64 `json:"ifGenerationMatch,string"`
	} `json:"objectPreconditions"`
}

func (s *Server) compose(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Kind          string          `json:"kind"`
		SourceObjects []composeSource `json:"sourceObjects"`
		Destination   document        `json:"destination"`
	}
	if err := decode(r, &asked); err != nil {
		return err
	}
	if n := len(asked.SourceObjects); n < 1 || n > maxSources {
		return invalid("The number of source components provided (%d) is not between 1 and %d.", n, maxSources)
	}
	u, err := describedUpload(r, r.PathValue("bucket"), r.PathValue("object"), asked.Destination)
	if err != nil {
		return err
	}
	var parts []*os.File
	defer func() {
		for _, f := range parts {
			f.Close()
		}
	}()
	for _, source := range asked.SourceObjects {
		o, f, err := s.store.open(ref{u.Bucket, source.Name, source.Generation}, source.preconditions(), http.StatusPreconditionFailed)
		if err != nil {
			return err
		}
		parts = append(parts, f)
		u.Components += max(o.ComponentCount, 1)
	}
	o, err := s.join(u, parts...)
	if err == nil {
		writeJSON(w, http.StatusOK, o)
	}
	return err
}

func (c composeSource) preconditions() preconditions {
	if want := c.ObjectPreconditions.IfGenerationMatch; want != nil {
		return preconditions{"GenerationMatch": *want}
	}
	return nil
}

package storage

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const maxPage = 1000

// page is what is answered of a list. A token is the name it goes on with, so it stays good when objects come and go.
type page struct {
	Kind          string    `json:"kind"`
	NextPageToken string    `json:"nextPageToken,omitempty"`
	Prefixes      []string  `json:"prefixes,omitempty"`
	Items         []*object `json:"items,omitempty"`
}

// list answers objects in the order of their names' bytes.
func (s *Server) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := number(q, "maxResults")
	if err != nil {
		return err
	}
	if limit == 0 || limit > maxPage {
		limit = maxPage
	}
	from, err := beginning(q)
	if err != nil {
		return err
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	b, err := s.store.bucket(r.PathValue("bucket"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, b.page(q, from, int(limit)))
	return nil
}

// beginning is the first name that may be in the page.
func beginning(q url.Values) (string, error) {
	from := max(q.Get("startOffset"), q.Get("prefix"))
	if token := q.Get("pageToken"); token != "" {
		name, err := base64.URLEncoding.DecodeString(token)
		if err != nil {
			return "", invalid("the pageToken %q is none of this server", token)
		}
		from = max(from, string(name))
	}
	return from, nil
}

func (b *bucket) page(q url.Values, from string, limit int) page {
	prefix, delimiter, until := q.Get("prefix"), q.Get("delimiter"), q.Get("endOffset")
	p := page{Kind: "storage#objects"}
	first, _ := slices.BinarySearch(b.names, from)
	for _, name := range b.names[first:] {
		if !strings.HasPrefix(name, prefix) || until != "" && name >= until {
			break
		}
		group, grouped := groupOf(name, prefix, delimiter)
		if grouped && len(p.Prefixes) > 0 && p.Prefixes[len(p.Prefixes)-1] == group {
			continue
		}
		if len(p.Items)+len(p.Prefixes) == limit {
			p.NextPageToken = base64.URLEncoding.EncodeToString([]byte(name))
			break
		}
		if grouped {
			p.Prefixes = append(p.Prefixes, group)
		} else {
			p.Items = append(p.Items, b.objects[name])
		}
	}
	return p
}

// groupOf is the part of a name up to the first delimiter after the prefix.
func groupOf(name, prefix, delimiter string) (string, bool) {
	if delimiter == "" {
		return "", false
	}
	i := strings.Index(name[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return name[:len(prefix)+i+len(delimiter)], true
}

package rows

// Format is how a file writes rows.
type Format string

// The formats.
const (
	CSV    Format = "csv"    // RFC 4180, with a header row
	NDJSON Format = "ndjson" // an object a line
)

// Layout is all there is to know of a file to read any part of it. It is found at the file's start and travels, as
// JSON, to whoever reads a part.
type Layout struct {
	Format    Format  `json:"format"`
	Delimiter string  `json:"delimiter,omitempty"` // of CSV: a comma, a semicolon or a tab
	Header    string  `json:"header,omitempty"`    // of CSV: the row as it stands in the file
	Columns   Columns `json:"columns"`
	Limits    Limits  `json:"limits"`
}

func (l Layout) rule() rule {
	r := rule{limit: l.Limits.RowBytes}
	if l.Format == CSV && l.Delimiter != "" {
		r.delimiter = l.Delimiter[0]
	}
	return r
}

// header is what each field of a CSV row means.
type header []column

const ignored column = -1

// header reads a CSV header row. Its columns may stand in any order; each of ours at most once.
func (l lookup) header(names []string) (header, error) {
	h := make(header, len(names))
	theirs := map[column]string{}
	for i, name := range names {
		c, known := l.column(name)
		if !known {
			h[i] = ignored
			continue
		}
		if other, twice := theirs[c]; twice {
			return nil, refused("wrong_header", "the header's columns %s and %s are both %s: keep one", quote(other), quote(name), c)
		}
		theirs[c] = name
		h[i] = c
	}
	return h, l.missing(theirs, names)
}

func (l lookup) missing(theirs map[column]string, names []string) error {
	var missing []string
	for _, c := range l.required() {
		if _, there := theirs[c]; !there && l.defaults[c] == "" {
			missing = append(missing, c.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return refused("wrong_header", "the header has no column %s. It has %s: name the columns so, or map them in columns.json",
		listed(missing), listed(quoted(names)))
}

// recognised is how many names are columns of ours.
func (l lookup) recognised(names []string) (n int) {
	for _, name := range names {
		if _, known := l.column(name); known {
			n++
		}
	}
	return n
}

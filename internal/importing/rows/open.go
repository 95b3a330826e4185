package rows

import (
	"bytes"
	"cmp"
	"io"
	"unicode/utf8"
)

// delimiters that a header may have, the likeliest first.
const delimiters = ",;\t"

var byteOrderMark = []byte("\xEF\xBB\xBF")

// Open starts to read a file: its header now, its rows from the Reader. The format is found out: a file that starts
// with { is NDJSON. A file that cannot be read at all is InvalidArgument with reason empty_file, not_text, wrong_header
// or bad_columns.
func Open(src io.Reader, c Columns, limits Limits) (*Reader, error) {
	names, err := c.lookup()
	if err != nil {
		return nil, err
	}
	r := &Reader{layout: Layout{Format: NDJSON, Columns: c, Limits: limits.withDefaults()}, lookup: names}
	r.scan = newScanner(src, r.layout.rule(), Span{Line: 1})
	first, err := r.scan.firstLine(listedColumns(names.required()))
	if err != nil {
		return nil, err
	}
	if first[0] == '{' {
		return r, nil
	}
	if err := checkText(first); err != nil {
		return nil, err
	}
	return r, r.readHeader()
}

// firstLine is the first line that is not blank, still to be read; of a long one, only the beginning. columns are those
// that a header needs.
func (s *scanner) firstLine(columns string) ([]byte, error) {
	if _, err := s.row(); err == nil && bytes.HasPrefix(s.data(), byteOrderMark) {
		s.pass(len(byteOrderMark))
	}
	for {
		n, err := s.row()
		switch {
		case err == io.EOF:
			return nil, refused("empty_file", "the file is empty: it needs a header row with at least %s", columns)
		case err != nil:
			return nil, err
		case n == 0 || !s.fits(s.data()[:n]):
			return s.longFirstLine(columns)
		}
		if line := bytes.TrimSpace(s.data()[:n]); len(line) > 0 {
			return line, nil
		}
		s.pass(n)
	}
}

// longFirstLine may be a bad row of NDJSON, but not a header.
func (s *scanner) longFirstLine(columns string) ([]byte, error) {
	line := bytes.TrimLeft(s.data(), " \t")
	if bytes.HasPrefix(line, []byte("{")) {
		return line, nil
	}
	return nil, cmp.Or(checkKind(line), refused("wrong_header",
		"the first line is longer than %d bytes: it should be a header with at least %s", s.limit, columns))
}

// kinds are files that people take for CSV, by their first bytes.
var kinds = []struct{ magic, is string }{
	{"PK\x03\x04", "a zip archive or an Excel workbook: save it as CSV (UTF-8)"},
	{"\x1F\x8B", "packed with gzip, but not named so: end its name in .gz"},
	{"\xFF\xFE", "UTF-16: save it as CSV (UTF-8)"},
	{"\xFE\xFF", "UTF-16: save it as CSV (UTF-8)"},
	{"[", "a JSON array: write one object a line (NDJSON)"},
}

func checkKind(line []byte) error {
	for _, k := range kinds {
		if bytes.HasPrefix(line, []byte(k.magic)) {
			return refused("not_text", "the file is %s", k.is)
		}
	}
	return nil
}

// checkText refuses a first line that is no header whatever its columns.
func checkText(line []byte) error {
	if err := checkKind(line); err != nil {
		return err
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		return refused("not_text", "the file is not text: byte %d of its header is zero", i+1)
	}
	if !utf8.Valid(line) {
		at, b := firstInvalid(string(line))
		return refused("not_text", "the file is not UTF-8 text: byte %d of its header is 0x%02X: save it as UTF-8", at, b)
	}
	return nil
}

// readHeader takes the delimiter by which the header has most columns of ours, then most columns at all.
func (r *Reader) readHeader() error {
	var best struct {
		delimiter         byte
		names             []string
		recognised, bytes int
	}
	for _, d := range []byte(delimiters) {
		r.scan.delimiter = d
		n, err := r.scan.row()
		if err != nil {
			return err
		}
		names, err := r.scan.texts(trimBreak(r.scan.data()[:n]))
		if err != nil {
			continue
		}
		if k := r.lookup.recognised(names); best.names == nil || k > best.recognised || k == best.recognised && len(names) > len(best.names) {
			best.delimiter, best.names, best.recognised, best.bytes = d, names, k, n
		}
	}
	if best.names == nil {
		return refused("wrong_header", "the first line is no header: a quote in it is not closed")
	}
	return r.setHeader(best.delimiter, best.bytes)
}

func (r *Reader) setHeader(delimiter byte, n int) error {
	r.layout.Format, r.layout.Delimiter = CSV, string(delimiter)
	r.layout.Header = string(trimBreak(r.scan.data()[:n]))
	if err := checkText([]byte(r.layout.Header)); err != nil {
		return err
	}
	r.scan.delimiter = delimiter
	r.scan.pass(n)
	return r.bind()
}

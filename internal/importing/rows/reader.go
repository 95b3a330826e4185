package rows

import (
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
)

// Reader reads the rows of a file or of a part of it, in constant memory.
type Reader struct {
	scan   *scanner
	layout Layout
	lookup lookup
	header header // of CSV
}

// Resume reads a part of a file, from a row boundary. src starts at the part's first byte; it may go on beyond the
// part's last, but if it ends before, that is io.ErrUnexpectedEOF.
func Resume(src io.Reader, l Layout, part Span) (*Reader, error) {
	names, err := l.Columns.lookup()
	if err != nil {
		return nil, err
	}
	l.Limits = l.Limits.withDefaults()
	if part.End > 0 {
		src = &exactly{src, part.End - part.Offset}
	}
	r := &Reader{scan: newScanner(src, l.rule(), part), layout: l, lookup: names}
	if l.Format == CSV {
		return r, r.bind()
	}
	return r, nil
}

// exactly are the next left bytes of src: not more, and not fewer without an error, or half a row would be taken for one.
type exactly struct {
	src  io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n, err := e.src.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// bind finds our columns in the layout's header.
func (r *Reader) bind() error {
	names, err := r.scan.texts([]byte(r.layout.Header))
	if err != nil {
		return err
	}
	r.header, err = r.lookup.header(names)
	return err
}

// Layout is what others need to read parts of the same file.
func (r *Reader) Layout() Layout { return r.layout }

// Next is the next row that is not blank; io.EOF after the last. A bad row is a Row with Err, and is no error here.
func (r *Reader) Next() (Row, error) {
	for {
		span, raw, long, err := r.scan.next()
		if err != nil {
			return Row{}, err
		}
		if long || !blank(raw) {
			return r.read(span, raw, long), nil
		}
	}
}

func blank(raw []byte) bool {
	for _, b := range raw {
		if b != ' ' && b != '\t' && b != '\r' {
			return false
		}
	}
	return true
}

func (r *Reader) read(span Span, raw []byte, long bool) Row {
	row := Row{Span: span, Raw: string(raw)}
	f, err := r.fields(raw, row.Raw, long)
	switch {
	case long:
		err = refused("row_too_long", "the row is longer than %d bytes", r.layout.Limits.RowBytes)
	case !utf8.ValidString(row.Raw):
		at, b := firstInvalid(row.Raw)
		err = refused("not_utf8", "byte %d of the row is 0x%02X, which is not UTF-8: save the file as UTF-8", at, b)
	}
	if err != nil {
		row.Err = err
		row.OrderRef = readableRef(f)
		return row
	}
	if bad := r.lookup.parse(&row, &f, r.layout.Limits); len(bad) > 0 {
		row.Err = &fault.Error{Code: codes.InvalidArgument, Reason: "bad_row", Message: "the row is not valid", Fields: bad}
	}
	return row
}

func (r *Reader) fields(raw []byte, text string, long bool) (fields, error) {
	if r.layout.Format == NDJSON {
		return r.ndjson(text)
	}
	if long { // its last field may be cut
		n := strings.LastIndexByte(text, r.scan.delimiter) + 1
		raw, text = raw[:n], text[:n]
	}
	return r.csv(raw, text)
}

// readableRef is the order_ref of a bad row, if it is sound enough to say which order the row belongs to.
func readableRef(f fields) string {
	ref := strings.TrimSpace(f[orderRef])
	if !utf8.ValidString(ref) {
		return ""
	}
	return ref
}

func isRefusal(err error) bool {
	_, is := errors.AsType[*fault.Error](err)
	return is
}

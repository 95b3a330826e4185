package rows

import (
	"bytes"
	"io"
)

const (
	bufferSize = 64 << 10
	keptOfLong = 4 << 10 // bytes of a row that is too long: enough to recognise it
)

// scanner finds rows in a stream. Its buffer grows to the longest row taken, not further.
type scanner struct {
	rule
	src        io.Reader
	err        error // of src, once it has ended
	buf        []byte
	start, end int   // what of buf is read and not yet passed
	offset     int64 // of buf[start] in the file
	line       int64 // at buf[start], from 1
}

func newScanner(src io.Reader, r rule, at Span) *scanner {
	return &scanner{rule: r, src: src, buf: make([]byte, bufferSize), offset: at.Offset, line: at.Line}
}

func (s *scanner) data() []byte { return s.buf[s.start:s.end] }

// next passes a row and returns its bytes without line break, valid until the next call. Of a row that is too long, it
// is only the beginning.
func (s *scanner) next() (span Span, raw []byte, long bool, err error) {
	n, err := s.row()
	if err != nil {
		return Span{}, nil, false, err
	}
	span = Span{Offset: s.offset, Line: s.line}
	raw = trimBreak(s.data()[:n])
	if n == 0 || len(raw) > s.limit {
		raw, long = bytes.Clone(s.data()[:min(s.limit, keptOfLong)]), true
		err = s.passLine()
	} else {
		s.pass(n)
	}
	span.End, span.LastLine = s.offset, s.line-1
	return span, raw, long, err
}

// row is the length of the next row, line break included, all of it in the buffer; 0 for one that is too long for that.
func (s *scanner) row() (int, error) {
	for {
		data := s.data()
		if s.err == io.EOF && len(data) == 0 {
			return 0, io.EOF
		}
		if n := s.cut(data, s.err == io.EOF); n > 0 || len(data) >= s.window() {
			return n, nil
		}
		if s.err != nil {
			return 0, s.err
		}
		s.fill(2 * len(data))
	}
}

// fill reads until there are want bytes of data or a window, whichever is less.
func (s *scanner) fill(want int) {
	want = max(1, min(want, s.window()))
	if s.start > 0 {
		s.end = copy(s.buf, s.data())
		s.start = 0
	}
	if want > len(s.buf) {
		s.buf = append(make([]byte, 0, want), s.buf[:s.end]...)[:want]
	}
	for s.end < want && s.err == nil {
		var n int
		n, s.err = s.src.Read(s.buf[s.end:])
		s.end += n
	}
}

// pass moves over n bytes up to a row's end.
func (s *scanner) pass(n int) {
	passed := s.data()[:n]
	s.line += int64(bytes.Count(passed, []byte("\n")))
	if s.err == io.EOF && s.start+n == s.end && n > 0 && passed[n-1] != '\n' {
		s.line++ // the last line needs no break
	}
	s.start += n
	s.offset += int64(n)
}

// passLine moves over a line of any length.
func (s *scanner) passLine() error {
	for {
		if n := bytes.IndexByte(s.data(), '\n') + 1; n > 0 {
			s.pass(n)
			return nil
		}
		passed := len(s.data())
		s.pass(passed)
		if s.err == io.EOF {
			return nil
		}
		if s.err != nil {
			return s.err
		}
		s.fill(1)
		if s.err == io.EOF && len(s.data()) == 0 {
			s.line++
			return nil
		}
	}
}

// skip passes rows that end at offset until or before. It stops at one that is not all in the buffer.
func (s *scanner) skip(until int64) error {
	for s.offset < until {
		n := s.plain(until)
		if n == 0 {
			var err error
			if n, err = s.row(); err != nil {
				return err
			}
		}
		if n == 0 || s.offset+int64(n) > until {
			return nil
		}
		s.pass(n)
	}
	return nil
}

// plain is the length of the rows in the buffer up to offset until or the first quote: without quotes every line is a
// row, and there is no need to look at each.
func (s *scanner) plain(until int64) int {
	data := s.data()
	data = data[:min(int64(len(data)), until-s.offset)]
	if s.delimiter != 0 {
		if q := bytes.IndexByte(data, '"'); q >= 0 {
			data = data[:q]
		}
	}
	return bytes.LastIndexByte(data, '\n') + 1
}

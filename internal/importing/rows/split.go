package rows

import "io"

// Split cuts the rest of the file into parts of about size bytes and gives each to emit, in order, as soon as it is
// known. The parts follow one another without a gap. Each can be read alone (Resume), and an order is never in two: a
// part ends where the order_ref changes, and where both rows' are readable. An order larger than size makes a larger
// part. It ends with the first error, of src or of emit.
//
// To go on later, Resume at the last part's End, on the line after its LastLine.
func (r *Reader) Split(size int64, emit func(Span) error) error {
	s := splitter{r: r, part: Span{Offset: r.scan.offset, Line: r.scan.line}}
	for {
		err := s.next(size)
		if err != nil && err != io.EOF {
			return err
		}
		if s.part.End > s.part.Offset {
			if err := emit(s.part); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		s.part = Span{Offset: s.part.End, Line: s.part.LastLine + 1}
	}
}

type splitter struct {
	r    *Reader
	part Span
	ref  string // of the row passed last; empty if it is not known
}

// next ends the part where the order_ref changes first after size bytes. Rows that end before are passed without a look
// at them: nothing may depend on what was seen of them, so that the same start gives the same parts.
func (s *splitter) next(size int64) error {
	until := s.part.Offset + size
	if s.r.scan.offset <= until {
		s.ref = ""
	}
	for {
		if err := s.r.scan.skip(until); err != nil && err != io.EOF {
			return err
		}
		row, err := s.r.Next()
		if err != nil {
			s.end(s.r.scan.offset, s.r.scan.line)
			return err
		}
		before := s.ref
		if s.ref = row.OrderRef; row.End <= until {
			s.ref = ""
		}
		if before != "" && s.ref != "" && before != s.ref {
			s.end(row.Offset, row.Line)
			return nil
		}
	}
}

func (s *splitter) end(offset, nextLine int64) {
	s.part.End, s.part.LastLine = offset, nextLine-1
}

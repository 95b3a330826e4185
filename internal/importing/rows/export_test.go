package rows

import (
	"bytes"
	"io"
)

// BufferSize is how much a Reader reads at once, if no row is longer.
const BufferSize = bufferSize

// Buffered is how much memory a Reader reads with.
func (r *Reader) Buffered() int { return cap(r.scan.buf) }

// Records are the fields of all rows of a file without a header, as encoding/csv would give them.
func Records(data []byte, delimiter byte) (records [][]string, err error) {
	s := newScanner(bytes.NewReader(data), rule{delimiter: delimiter, limit: len(data)}, Span{Line: 1})
	for {
		_, raw, _, err := s.next()
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		if blank(raw) {
			continue
		}
		fields, err := s.texts(raw)
		if err != nil {
			return nil, err
		}
		records = append(records, fields)
	}
}

package rows

import "bytes"

// rule says where rows end. A row ends at the first line break outside quotes, if its quotes are sound and it is not
// too long. Otherwise it ends at its first line break: a quote that nobody closes spoils one line, not the file.
//
// The rule looks only at bytes from the row's start on, at most window of them if there are quotes. So whoever starts at
// a row boundary sees the same rows as who comes from further ahead; and cutting the file at a later boundary changes
// nothing, because a quote still open there was going to fail anyway.
//
// It takes time linear in the file: a line that leaves a quote open has an odd number of quotes, so looking ahead from it
// ends by the next such line.
type rule struct {
	delimiter byte // 0: NDJSON, where every line is a row
	limit     int  // bytes of a row without its line break
}

// window is how many bytes are enough to tell whether a row is too long: its line break may take two.
func (r rule) window() int { return r.limit + 2 }

// cut is the length of the row at the start of data, its line break included; 0 if more data must tell. last says that
// no data follows.
func (r rule) cut(data []byte, last bool) int {
	line := bytes.IndexByte(data, '\n') + 1
	if line == 0 && last {
		line = len(data)
	}
	if r.delimiter == 0 || !hasQuote(data, line) {
		return line
	}
	seen := data[:min(len(data), r.window())]
	n, end := r.walk(seen)
	switch {
	case end == atBreak && r.fits(seen[:n]):
		return n + 1
	case end == atEnd && last && r.fits(data):
		return len(data)
	case (end == atEnd || end == inQuotes) && !last && len(data) < r.window():
		return 0
	}
	return line
}

func hasQuote(data []byte, line int) bool {
	if line > 0 {
		data = data[:line]
	}
	return bytes.IndexByte(data, '"') >= 0
}

func (r rule) fits(row []byte) bool { return len(trimBreak(row)) <= r.limit }

// trimBreak is a row without its line break. A return without a newline counts only at the file's end.
func trimBreak(row []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(row, []byte("\n")), []byte("\r"))
}

// walk steps over fields to where the row ends, or to what is wrong with it.
func (r rule) walk(data []byte) (int, ending) {
	for i := 0; ; i++ {
		n, end := r.field(data[i:])
		i += n
		if end != atDelimiter {
			return i, end
		}
	}
}

// ending is why a field ends where it does.
type ending int

const (
	atDelimiter ending = iota
	atBreak
	atEnd       // of the data
	inQuotes    // at the end of the data, a quote still open
	atBareQuote // a quote inside a field that is not quoted
	afterQuotes // something else than a delimiter after the closing quote
)

// field is the length of the field at the start of data, and what stands there.
func (r rule) field(data []byte) (int, ending) {
	if len(data) > 0 && data[0] == '"' {
		return r.quoted(data)
	}
	for i, b := range data {
		switch b {
		case r.delimiter:
			return i, atDelimiter
		case '\n':
			return i, atBreak
		case '"':
			return i, atBareQuote
		}
	}
	return len(data), atEnd
}

// quoted is field for one that starts with a quote. Inside it, two quotes stand for one.
func (r rule) quoted(data []byte) (int, ending) {
	for i := 1; ; i++ {
		q := bytes.IndexByte(data[i:], '"')
		if q < 0 {
			return len(data), inQuotes
		}
		i += q + 1
		if i == len(data) || data[i] != '"' {
			return r.closed(data, i)
		}
	}
}

// closed says what follows a closing quote.
func (r rule) closed(data []byte, i int) (int, ending) {
	rest := data[i:]
	switch {
	case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
		return i, atEnd
	case rest[0] == r.delimiter:
		return i, atDelimiter
	case rest[0] == '\n':
		return i, atBreak
	case rest[0] == '\r' && rest[1] == '\n':
		return i + 1, atBreak
	}
	return i, afterQuotes
}

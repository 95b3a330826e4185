// Package rows reads files of orders or of the catalogue, one row a product, as a stream: CSV (RFC 4180) and NDJSON, of any size, in memory
// bounded by the longest row taken. A bad row is told in words and never ends the reading.
//
// One rule says where a row ends (see rule), and everything goes by it: Reader reads rows, Reader.Groups makes orders of
// neighbouring rows, Reader.Split cuts a file into parts that can be read on their own, with the same rows on the same
// lines.
package rows

// Span is a part of a file between two row boundaries. Offsets are bytes of the (unpacked) file.
type Span struct {
	Offset   int64 `json:"offset"`              // where it starts
	End      int64 `json:"end,omitempty"`       // the offset after its last line break; to Resume, 0 is the file's end
	Line     int64 `json:"line"`                // the line at Offset, from 1
	LastLine int64 `json:"last_line,omitempty"` // the line that ends at End
}

// Row is one row of a file: a product of an order.
type Row struct {
	Span
	Raw string // the row as it stands in the file, without its line break; only the beginning of one that is too long
	Err error  // what is wrong with the row, for who made the file; a *fault.Error

	OrderRef string // of an order's row; also of a bad one, if it can be read

	// The rest is for rows without Err, and by the file's Kind: an order's row has no Name.
	CustomerID    string
	SKU           string
	Name          string
	Quantity      int32
	Stock         int64  // what is physically there
	UnitPrice     *int64 // in minor units of Currency; nil if the file has none
	Currency      string // ISO 4217
	PaymentMethod string
	Note          string
}

// Limits bound what is taken and what is kept in memory. Zero stands for the default.
type Limits struct {
	RowBytes   int   `json:"row_bytes,omitempty"`   // of the longest row, without its line break; 1 MiB
	Quantity   int32 `json:"quantity,omitempty"`    // of one row; 10,000
	GroupRows  int   `json:"group_rows,omitempty"`  // of one order; 1000
	GroupBytes int   `json:"group_bytes,omitempty"` // of one order's rows; 4 MiB
}

func (l Limits) withDefaults() Limits {
	l.RowBytes = positiveOr(l.RowBytes, 1<<20)
	l.Quantity = positiveOr(l.Quantity, 10_000)
	l.GroupRows = positiveOr(l.GroupRows, 1000)
	l.GroupBytes = positiveOr(l.GroupBytes, 4<<20)
	return l
}

func positiveOr[N int | int32](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

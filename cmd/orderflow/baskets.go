package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	orderv1 "orderflow.dev/gen/orderflow/order/v1"
)

// basket is one order of a baskets file.
type basket struct {
	ref, customer string
	lines         []*orderv1.RequestedLine
}

// baskets reads a CSV file, plain or gzip, with the columns order_ref, customer_id, sku and quantity: neighbouring rows
// with one order_ref are one basket. It reads as it goes.
func baskets(path string, count int, each func(basket) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		r = z
	}
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = 4
	header, err := rows.Read()
	if err != nil || strings.Join(header, ",") != "order_ref,customer_id,sku,quantity" {
		return fmt.Errorf("%s must begin with the header order_ref,customer_id,sku,quantity; it has %q (%v)", path, strings.Join(header, ","), err)
	}
	var b basket
	for n := 0; ; {
		row, err := rows.Read()
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if (row == nil || row[0] != b.ref) && b.ref != "" {
			if err := each(b); err != nil {
				return err
			}
			n++
			b = basket{}
		}
		if row == nil || count > 0 && n == count {
			return nil
		}
		quantity, err := strconv.ParseInt(row[3], 10, 32)
		if err != nil {
			line, _ := rows.FieldPos(3)
			return fmt.Errorf("%s line %d: quantity %q is no number", path, line, row[3])
		}
		b.ref, b.customer = row[0], row[1]
		b.lines = append(b.lines, &orderv1.RequestedLine{Sku: row[2], Quantity: int32(quantity)})
	}
}

func countBaskets(path string, most int) (int, error) {
	n := 0
	err := baskets(path, most, func(basket) error { n++; return nil })
	return n, err
}

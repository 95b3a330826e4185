package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"orderflow.dev/internal/order"
)

const (
	source       = "bulk"
	rowsPerOrder = 10
)

var products = []string{"mug-blue", "tea-darjeeling"}

// file is a file of orders, with rows as wide as a retailer's.
type file struct {
	path   string
	size   int64 // bytes
	orders int
}

func (f file) rows() int { return f.orders * rowsPerOrder }

// generate writes a file of about so many bytes into a folder.
func generate(dir string, bytes int64) (f file, err error) {
	f.path = filepath.Join(dir, "bulk.csv")
	w, err := os.Create(f.path)
	if err != nil {
		return f, err
	}
	defer w.Close()
	out := bufio.NewWriterSize(w, 1<<20)
	n, err := fmt.Fprintln(out, "order_ref,customer_id,sku,description,quantity,order_date,price,country,payment_method")
	for f.size = int64(n); err == nil && f.size < bytes; f.orders++ {
		for row := 0; err == nil && row < rowsPerOrder; row++ {
			n, err = fmt.Fprintf(out, "%s,C%05d,%s,\"HANGING HEART, WHITE %d\",1,12/1/10 8:26,2.55,United Kingdom,pm_approve\n",
				ref(f.orders), f.orders%5000, products[row%len(products)], row)
			f.size += int64(n)
		}
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return f, fmt.Errorf("write %s: %w", f.path, err)
	}
	return f, w.Close()
}

func ref(n int) string { return fmt.Sprintf("BULK-%08d", n) }

// orderID is that of the nth order of the file.
func orderID(n int) string {
	r := order.Request{Source: source, IdempotencyKey: ref(n)}
	return r.OrderID()
}

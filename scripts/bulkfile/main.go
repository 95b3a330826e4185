// Bulkfile writes a large file of orders to standard output: rows as wide as a retailer's export, ten to an order.
//
//	go run ./scripts/bulkfile -mb 1000 > big.csv
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
)

const rowsPerOrder = 10

var products = []string{"mug-blue", "tea-darjeeling"}

func main() {
	megabytes := flag.Int64("mb", 100, "about how large the file is, in 10^6 bytes")
	flag.Parse()
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	written, err := fmt.Fprintln(out, "order_ref,customer_id,sku,description,quantity,order_date,price,country,payment_method")
	for n := 0; err == nil && int64(written) < *megabytes*1_000_000; n++ {
		var w int
		w, err = fmt.Fprintf(out, "BULK-%08d,C%05d,%s,\"HANGING HEART, WHITE %d\",1,12/1/10 8:26,2.55,United Kingdom,pm_approve\n",
			n/rowsPerOrder, n/rowsPerOrder%5000, products[n%len(products)], n%rowsPerOrder)
		written += w
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bulkfile:", err)
		os.Exit(1)
	}
}

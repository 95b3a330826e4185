package main

import (
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"orderflow.dev/local/psp"
	"orderflow.dev/local/stack"
)

// checksTheStack checks the promises of a stack, breaks one behind everybody's back, and has it found.
func checksTheStack(t *testing.T, d desk) {
	id := d.ordered(t, "vera", psp.MethodApprove, isConfirmed)
	out, errOut, code := d.run(t, "check", "--wait", "2m")
	if code != 0 || errOut != "" {
		t.Fatalf("check of a clean stack: code %d, %s%s", code, out, errOut)
	}
	has(t, out, "money-follows-order", "refunded-as-requested", "stock-adds-up", "✓ every promise that could be checked holds, over ")
	conn, err := grpc.NewClient(d.Firestore, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	orders, err := firestore.NewClientWithDatabase(t.Context(), stack.Project, "orders", option.WithGRPCConn(conn))
	if err != nil {
		t.Fatal(err)
	}
	defer orders.Close()
	if _, err := orders.Doc("orders/"+id).Update(t.Context(), []firestore.Update{{Path: "status", Value: "CANCELLED"}}); err != nil {
		t.Fatal(err)
	}
	out, errOut, code = d.run(t, "check")
	if code != 1 || errOut != "orderflow: promises are broken\n" {
		t.Errorf("check of a broken stack: code %d, %s", code, errOut)
	}
	has(t, out, "✗ order "+id, "  fields-match-journal: ", "orders/2", "OrderConfirmed")
	out, _, code = d.run(t, "check", "--show", "0")
	if code != 1 {
		t.Errorf("without timelines: code %d", code)
	}
	has(t, out, "✗ order "+id)
	hasNot(t, out, "OrderConfirmed")
}

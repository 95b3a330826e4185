package rpc_test

import (
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	paymentv1 "orderflow.dev/gen/orderflow/payment/v1"
	"orderflow.dev/internal/fault"
)

// TestACallThatGoesOnAfterItsMessageIsEnded: grpc-go's handler takes in what comes as fast as it comes.
func TestACallThatGoesOnAfterItsMessageIsEnded(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	message, err := proto.Marshal(&paymentv1.GetPaymentRequest{OrderId: "o1"})
	if err != nil {
		t.Fatal(err)
	}
	body, pour := io.Pipe()
	poured := make(chan int, 1)
	go func() {
		_, err := pour.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...))
		n, chunk := 0, make([]byte, 64<<10)
		for most := 64 << 20; err == nil && n < most; n += len(chunk) {
			_, err = pour.Write(chunk)
		}
		pour.Close()
		poured <- n
	}()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/orderflow.payment.v1.PaymentService/GetPayment", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	go func() {
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
		}
		body.Close()
	}()
	if n := <-poured; n > 8<<20 {
		t.Errorf("the service took %d bytes of one call", n)
	}
}

// TestAMessageTooLargeIsRefused by both ways in.
func TestAMessageTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	url, _ := serve(t, newPayments())
	_, err := dial(t, url).GetPayment(t.Context(), &paymentv1.GetPaymentRequest{OrderId: strings.Repeat("x", 2<<20)})
	if fault.Code(err) != codes.ResourceExhausted {
		t.Errorf("by gRPC: %v, want RESOURCE_EXHAUSTED", err)
	}
	resp, err := http.Post(url+"/orderflow.payment.v1.PaymentService/GetPayment", "application/json", strings.NewReader(`{"order_id":"`+strings.Repeat("x", 2<<20)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("by JSON: %s, want 400", resp.Status)
	}
}

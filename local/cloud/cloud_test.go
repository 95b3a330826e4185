package cloud_test

import (
	"strings"
	"testing"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"orderflow.dev/local/cloud"
	"orderflow.dev/local/wal"
)

func TestTheChoiceIsTheOptionsThenTheEnvironments(t *testing.T) {
	for name, c := range map[string]struct{ option, environment, want string }{
		"neither":         {"", "", cloud.Embedded},
		"the environment": {"", cloud.Google, cloud.Google},
		"the option":      {cloud.Embedded, cloud.Google, cloud.Embedded},
		"no such kind":    {"docker", "", ""},
	} {
		t.Setenv(cloud.Variable, c.environment)
		got, err := cloud.Options{Emulators: c.option}.Choice()
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestGooglesEmulatorsKeepNothing(t *testing.T) {
	t.Parallel()
	log, err := wal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	_, err = cloud.Start(t.Context(), cloud.Options{Emulators: cloud.Google, Log: log})
	if err == nil || !strings.Contains(err.Error(), "keep nothing across restarts") {
		t.Errorf("error %v, want that they keep nothing", err)
	}
}

// TestAQueryWithoutAnIndexIsRefusedUnlessAnyIsToRun is the laptop's notice of an index that Terraform would not make.
func TestAQueryWithoutAnIndexIsRefusedUnlessAnyIsToRun(t *testing.T) {
	t.Parallel()
	for any, want := range map[bool]codes.Code{false: codes.FailedPrecondition, true: codes.OK} {
		stores, err := cloud.Start(t.Context(), cloud.Options{Emulators: cloud.Embedded, AnyQuery: any})
		if err != nil {
			t.Fatal(err)
		}
		defer stores.Stop()
		stores.Serve()
		conn, err := grpc.NewClient(stores.Firestore, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		client, err := firestore.NewClientWithDatabase(t.Context(), "p", "orders", option.WithGRPCConn(conn))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		_, err = client.Collection("orders").Where("customer_id", "==", "a").OrderBy("attempts", firestore.Asc).Documents(t.Context()).GetAll()
		if status.Code(err) != want {
			t.Errorf("any query %v: %v, want %s", any, err, want)
		}
	}
}

func TestStopEndsStoresThatNeverServed(t *testing.T) {
	t.Parallel()
	stores, err := cloud.Start(t.Context(), cloud.Options{Emulators: cloud.Embedded})
	if err != nil {
		t.Fatal(err)
	}
	stores.Stop()
	if err, open := <-stores.Done(); open {
		t.Errorf("Done after Stop: %v", err)
	}
}

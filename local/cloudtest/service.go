package cloudtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"

	"orderflow.dev/internal/platform/rpc"
)

// Service is a Preparation: it serves a gRPC service of this program and leads its callers there by <NAME>_URL.
func Service(name string) Preparation {
	return func(ctx context.Context) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		os.Setenv(strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"_URL", "http://"+l.Addr().String())
		go func() {
			if err := rpc.Serve(ctx, name, l); err != nil && ctx.Err() == nil {
				panic(fmt.Sprintf("cloudtest: service %s: %v", name, err))
			}
		}()
		return nil
	}
}

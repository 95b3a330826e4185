package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	importingv1 "orderflow.dev/gen/orderflow/importing/v1"
	"orderflow.dev/local/stack"
)

// memory is the most a process was seen to have, in bytes.
type memory struct {
	own int64 // its heap, stacks and data
	all int64 // with the pages of its program, which all instances of it share
}

// usage is what processes use, by name.
type usage map[string]memory

// sample looks at every process of the import. Only Linux tells.
func (u usage) sample(s *stack.Stack) {
	for _, key := range []string{"plan-import", "import-chunk"} {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PIDOf(key)))
		if err != nil {
			continue // it has just died, or this is no Linux
		}
		own, shared := field(status, "RssAnon:"), field(status, "RssFile:")
		m := u[key]
		u[key] = memory{max(m.own, own), max(m.all, own+shared)}
	}
}

// field is one of a process's status, in bytes.
func field(status []byte, name string) int64 {
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		if f := bytes.Fields(lines.Bytes()); len(f) >= 2 && string(f[0]) == name {
			kB, _ := strconv.ParseInt(string(f[1]), 10, 64)
			return kB << 10
		}
	}
	return 0
}

// watch follows the import to its end, samples memory, and kills its worker when another part of the file is read.
func watch(ctx context.Context, s *stack.Stack, look func() (*importingv1.Import, error), kills int) (*importingv1.Import, usage, error) {
	used, killed, shown := usage{}, 0, time.Now()
	for {
		used.sample(s)
		im, err := look()
		if err != nil {
			return nil, used, err
		}
		switch im.GetState() {
		case importingv1.ImportState_IMPORT_STATE_DONE, importingv1.ImportState_IMPORT_STATE_FAILED:
			if killed < kills {
				err = fmt.Errorf("the import ended before its worker was killed %d times: it takes a larger file", kills)
			}
			return im, used, err
		}
		if part := float64(im.GetDone()) / float64(im.GetSize()); killed < kills && part > float64(killed+1)/float64(kills+1) {
			killed++
			say("import-chunk killed with SIGKILL (%d of %d), after %d orders", killed, kills, im.GetOrders())
			if err := s.Kill(ctx, "import-chunk"); err != nil {
				return nil, used, err
			}
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			say("%.1f%%  %d orders", 100*float64(im.GetDone())/float64(im.GetSize()), im.GetOrders())
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, used, ctx.Err()
		}
	}
}

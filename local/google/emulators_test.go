//go:build unix

package google

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// start starts the emulators in a directory of their own.
func start(t *testing.T, o Options) *Emulators {
	t.Helper()
	installed(t)
	o.Dir = t.TempDir()
	e, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return e
}

func TestStartServesBothAndStopLeavesNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := start(t, Options{Log: &log})
	if err := createTopic(t.Context(), e.PubSubHost); err != nil {
		t.Errorf("Pub/Sub: %v", err)
	}
	if err := warmUp(t.Context(), e.FirestoreHost); err != nil {
		t.Errorf("Firestore: %v", err)
	}
	for _, host := range []string{e.FirestoreHost, e.PubSubHost} {
		if !strings.Contains(log.String(), host) {
			t.Errorf("%s is not announced in %q", host, log.String())
		}
	}
	e.Stop()
	e.Stop()
	if err := e.Wait(); err != nil {
		t.Errorf("Wait after Stop: %v", err)
	}
	if err, open := <-e.Done(); open {
		t.Errorf("Done after Stop: %v", err)
	}
	for _, p := range e.processes {
		if err := syscall.Kill(-p.cmd.Process.Pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s: its process group is still there: %v", p.emulator.name, err)
		}
		if conn, err := net.Dial("tcp", p.host); err == nil {
			conn.Close()
			t.Errorf("%s still listens on %s", p.emulator.name, p.host)
		}
	}
}

func createTopic(ctx context.Context, host string) error {
	conn, err := grpc.NewClient(host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = pubsubpb.NewPublisherClient(conn).CreateTopic(ctx, &pubsubpb.Topic{Name: "projects/p/topics/topic"})
	return err
}

func TestEarlyDeathIsReportedAndEndsBoth(t *testing.T) {
	t.Parallel()
	e := start(t, Options{})
	victim := e.processes[1]
	if err := victim.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	err := <-e.Done()
	if err == nil || !strings.Contains(err.Error(), victim.emulator.name+" ended: signal: killed") {
		t.Errorf("Done yields %v", err)
	}
	if waited := e.Wait(); !errors.Is(waited, err) {
		t.Errorf("Wait = %v, want %v", waited, err)
	}
	<-e.processes[0].exited
}

// TestPortTaken gives each emulator a port somebody else has: it must notice,
// whether it dies of it or lives on without serving.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	in := installed(t)
	firestore, pubsub := emulators(in, Options{FirestoreHeap: "256m", PubSubHeap: "256m"})
	for _, em := range []emulator{firestore, pubsub} {
		t.Run(em.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			p, err := launch(em, in.java, t.TempDir(), l.Addr().(*net.TCPAddr).Port)
			if err != nil {
				t.Fatal(err)
			}
			defer p.stop()
			if err := p.awaitReady(t.Context()); !errors.Is(err, errPortTaken) {
				t.Errorf("awaitReady = %v, want %v", err, errPortTaken)
			}
		})
	}
}

func TestFailedStartShowsTheLog(t *testing.T) {
	t.Parallel()
	installed(t)
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), PubSubHeap: "not-a-size"})
	if err == nil || !strings.Contains(err.Error(), "start Pub/Sub emulator") || !strings.Contains(err.Error(), "not-a-size") {
		t.Errorf("Start = %v", err)
	}
}

func TestStartIsGivenUpWithItsContext(t *testing.T) {
	t.Parallel()
	installed(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("Start = %v", err)
	}
}

// TestStopKillsTheDeaf stops a child that ignores the polite signal.
func TestStopKillsTheDeaf(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "java")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntrap '' TERM\necho deaf\nexec sleep 600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := launch(emulator{name: "deaf", file: "deaf", heap: "1m"}, script, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !p.logged("deaf"); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the child does not start")
		}
	}
	p.served = true
	p.stop()
	if err := syscall.Kill(-p.cmd.Process.Pid, 0); err == nil {
		t.Error("still there")
	}
}

// TestArchive goes through the life of a class data archive.
func TestArchive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.jsa")
	for i, tt := range []struct{ orderly, exists bool }{{false, false}, {true, true}} {
		a := archive{path: path, temp: path + "." + strconv.Itoa(i)}
		if err := os.WriteFile(a.temp, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		a.finish(tt.orderly)
		if _, err := os.Stat(path); (err == nil) != tt.exists {
			t.Errorf("orderly %v: %v", tt.orderly, err)
		}
		if _, err := os.Stat(a.temp); err == nil {
			t.Errorf("orderly %v: the temporary file is left", tt.orderly)
		}
	}
}

// installed fails the test by name of what is missing.
// installed skips a test where there is nothing to test: scripts/emulators says so aloud.
func installed(t *testing.T) installation {
	t.Helper()
	in, err := thisMachine().find()
	if err != nil {
		t.Skip("NOT TESTED: ", err)
	}
	return in
}

package port_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"orderflow.dev/local/port"
)

const inside = "IN_A_NETWORK_OF_ITS_OWN"

// TestNobodyIsGivenAReservedPort listens on every port but one, in a network of its own that has few.
func TestNobodyIsGivenAReservedPort(t *testing.T) {
	if os.Getenv(inside) == "" {
		self := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
		self.Env = append(os.Environ(), inside+"=1")
		self.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err := self.CombinedOutput()
		if _, ran := errors.AsType[*exec.ExitError](err); ran {
			t.Fatalf("%v\n%s", err, out)
		}
		if err != nil {
			t.Skipf("this machine lets nobody have a network of their own: %v", err)
		}
		return
	}
	set(t, "ip_local_port_range", "40000 40019")
	set(t, "ip_nonlocal_bind", "1") // nothing has 127.0.0.1 here
	p, err := port.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Release()
	for range 19 {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if l, err := net.Listen("tcp4", "127.0.0.1:0"); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("somebody was given a port, %v %v, when only %s was left", l, err, p.Address())
	}
	l, err := net.Listen("tcp4", p.Address())
	if err != nil {
		t.Fatalf("its server was not given the port: %v", err)
	}
	l.Close()
}

func set(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

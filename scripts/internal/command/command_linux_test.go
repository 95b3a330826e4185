package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// terminal is a pseudo-terminal: what a human types goes into it, and what it shows comes out (pts(4)).
func terminal(t *testing.T) (human, program *os.File) {
	t.Helper()
	human, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { human.Close() })
	var n, unlock uint32
	for request, arg := range map[uintptr]*uint32{0x80045430: &n, 0x40045431: &unlock} { // TIOCGPTN, TIOCSPTLCK
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, human.Fd(), request, uintptr(unsafe.Pointer(arg))); errno != 0 {
			t.Fatal(errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return human, program // which is not closed: who was interrupted may still be reading
}

// shown is what the terminal shows until it has shown the end.
func shown(t *testing.T, human *os.File, end string) string {
	t.Helper()
	var all bytes.Buffer
	done := make(chan error, 1)
	go func() {
		for b := make([]byte, 1); !strings.HasSuffix(all.String(), end); {
			if _, err := human.Read(b); err != nil {
				done <- err
				return
			}
			all.Write(b)
		}
		done <- nil
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("the terminal does not show %q", end)
	}
	return all.String()
}

// unseen waits until the terminal does not show what is typed.
func unseen(t *testing.T, program *os.File) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Second; time.Sleep(time.Millisecond) {
		var state syscall.Termios
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, program.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&state))); errno != 0 {
			t.Fatal(errno)
		}
		if state.Lflag&syscall.ECHO == 0 {
			return
		}
	}
	t.Fatal("the terminal shows what is typed")
}

func write(t *testing.T, f *os.File, text string) {
	t.Helper()
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsNotShown(t *testing.T) {
	human, program := terminal(t)
	result := make(chan string, 1)
	go func() {
		secret, err := Secret(t.Context(), program, program, "value: ")
		fmt.Fprint(program, "END")
		result <- fmt.Sprint(string(secret), err)
	}()
	before := shown(t, human, "value: ")
	unseen(t, program)
	write(t, human, "hunter2\n")
	if all := before + shown(t, human, "END"); strings.Contains(all, "hunter2") {
		t.Errorf("the terminal shows %q", all)
	}
	if got := <-result; got != "hunter2<nil>" {
		t.Errorf("got %s", got)
	}
}

func TestCtrlCWhileASecretIsTypedLeavesTheTerminalAsItWas(t *testing.T) {
	human, program := terminal(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := Secret(ctx, program, program, "value: ")
		result <- err
	}()
	shown(t, human, "value: ")
	unseen(t, program)
	cancel(errors.New("interrupted"))
	if err := <-result; err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v", err)
	}
	write(t, human, "seen")
	shown(t, human, "seen") // the echo is back
}

func TestOnlyYesIsYes(t *testing.T) {
	for answer, want := range map[string]string{"yes\n": "<nil>", "y\n": "nothing was changed", "\n": "nothing was changed", "yes please\n": "nothing was changed"} {
		human, program := terminal(t)
		write(t, human, answer)
		if err := Confirm(t.Context(), program, io.Discard, "Go?"); fmt.Sprint(err) != want {
			t.Errorf("%q: got %v, want %q", answer, err, want)
		}
	}
	_, program := terminal(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if err := Confirm(ctx, program, io.Discard, "Go?"); err == nil || err.Error() != "interrupted" {
		t.Errorf("Ctrl-C: %v", err)
	}
	pipe, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Confirm(t.Context(), pipe, io.Discard, "Go?"); err == nil || !strings.Contains(err.Error(), "--yes") {
		t.Errorf("a machine: %v", err)
	}
}

func TestQuotedAsAShellReadsIt(t *testing.T) {
	for _, args := range [][]string{{"a", "b c", "it's", "", "$HOME", "*.zip", "--x=^a$"}} {
		r := Runner{Out: io.Discard}
		out, err := r.Output(t.Context(), "sh", "-c", "printf '%s\\n' "+Quote(args...))
		if err != nil || string(out) != strings.Join(args, "\n")+"\n" {
			t.Errorf("%s is read as %q (%v)", Quote(args...), out, err)
		}
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	r := Runner{Out: io.Discard}
	if err := r.Run(t.Context(), "gcloud", "version"); err == nil || !strings.Contains(err.Error(), "gcloud is not installed: see https://cloud.google.com") {
		t.Errorf("got %v", err)
	}
}

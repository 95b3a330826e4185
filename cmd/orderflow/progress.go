package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/term"
)

// progress shows how far something is: a bar on a terminal, nothing elsewhere.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	what  string
	total int
	shown bool
	text  func(n int) string // a number for people
}

func newProgress(out io.Writer, what string, total int) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, what: what, total: max(total, 1), shown: ok && term.IsTerminal(int(f.Fd())), text: strconv.Itoa}
}

// newByteProgress is one of bytes.
func newByteProgress(out io.Writer, total int) *progress {
	p := newProgress(out, "", total)
	p.text = bytesText
	return p
}

// bytesText is a number of bytes for people: 12.3 MB.
func bytesText(n int) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1000, 0
	for ; f >= 999.95; f /= 1000 {
		unit++
	}
	return fmt.Sprintf("%.1f %cB", f, "kMGTPE"[unit])
}

// Set shows n of the total.
func (p *progress) Set(n int) { p.Say(n, "") }

// Say shows n of the total and a remark.
func (p *progress) Say(n int, remark string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return
	}
	const width = 30
	full := min(n, p.total) * width / p.total
	fmt.Fprintf(p.out, "\r[%s%s] %s/%s %s %s\x1b[K", strings.Repeat("█", full), strings.Repeat("·", width-full), p.text(n), p.text(p.total), p.what, remark)
}

// Done clears the bar.
func (p *progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

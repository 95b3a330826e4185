package main

import (
	"fmt"
	"io"
	"os"
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
}

func newProgress(out io.Writer, what string, total int) *progress {
	f, ok := out.(*os.File)
	return &progress{out: out, what: what, total: max(total, 1), shown: ok && term.IsTerminal(int(f.Fd()))}
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
	fmt.Fprintf(p.out, "\r[%s%s] %d/%d %s %s\x1b[K", strings.Repeat("█", full), strings.Repeat("·", width-full), n, p.total, p.what, remark)
}

// Done clears the bar.
func (p *progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

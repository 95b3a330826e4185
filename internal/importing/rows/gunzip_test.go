package rows_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"orderflow.dev/internal/importing/rows"
)

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// noise does not pack well.
func noise(n int) string {
	chance, b := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range b {
		b[i] = byte('a' + chance.IntN(26))
	}
	return string(b)
}

func TestGunzipUnpacks(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "short": head, "long": noise(3 << 20), "repeating, but short": strings.Repeat("x", 1<<20),
	} {
		got, err := io.ReadAll(rows.Gunzip(strings.NewReader(packed(t, text)), 10, 1<<40))
		if err != nil || string(got) != text {
			t.Errorf("%s: %d bytes of %d, error %v", name, len(got), len(text), err)
		}
	}
	got, err := io.ReadAll(rows.Gunzip(strings.NewReader(packed(t, "one")+packed(t, "two")), 10, 1<<40))
	if err != nil || string(got) != "onetwo" {
		t.Errorf("two in one: %q, error %v", got, err)
	}
}

func TestGunzipSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	whole := packed(t, noise(100<<10))
	changed := func(at int) string { return whole[:at] + string(whole[at]^0x55) + whole[at+1:] }
	for name, c := range map[string]struct{ file, reason, words string }{
		"in the header":        {whole[:5], "gzip_truncated", "ends in the middle, after 5 bytes"},
		"in the middle":        {whole[:len(whole)/2], "gzip_truncated", "ends in the middle"},
		"in the sum":           {whole[:len(whole)-3], "gzip_truncated", "ends in the middle"},
		"bad checksum":         {changed(len(whole) - 6), "gzip_corrupt", "checksum is wrong"},
		"bad data":             {whole[:20] + strings.Repeat("\xFF", 100) + whole[120:], "gzip_corrupt", "damaged"},
		"not gzip":             {head, "gzip_corrupt", "is not gzip"},
		"something else after": {whole + strings.Repeat("x", 20), "gzip_corrupt", "goes on after its end"},
		"bomb":                 {packed(t, strings.Repeat("0", 50<<20)), "gzip_bomb", "more than 100 times its size"},
		"too large":            {packed(t, noise(6<<20)), "gzip_too_large", "upload it unpacked"},
	} {
		r := rows.Gunzip(strings.NewReader(c.file), 100, 5<<20)
		n, err := io.Copy(io.Discard, r)
		tells(t, name, err, c.reason, c.words)
		if n > 10<<20 {
			t.Errorf("%s: %d bytes came out", name, n)
		}
		if _, again := r.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: then %v", name, again)
		}
	}
}

// A connection that breaks is no fault of the file: reading it again may help.
func TestGunzipPassesErrorsOn(t *testing.T) {
	t.Parallel()
	whole := packed(t, noise(100<<10))
	for _, broken := range []error{errors.New("broken"), io.ErrUnexpectedEOF} {
		src := io.MultiReader(strings.NewReader(whole[:len(whole)/2]), iotest.ErrReader(broken))
		if _, err := io.Copy(io.Discard, rows.Gunzip(src, 100, 1<<40)); err != broken {
			t.Errorf("error %v, want %v", err, broken)
		}
	}
}

func TestRowsOfATruncatedGzipComeBeforeItsError(t *testing.T) {
	t.Parallel()
	whole := packed(t, head+big(1<<20, func(order, line int) string { return noise(10+line%7) + ",C,S,1\n" }))
	r, err := rows.Open(rows.Gunzip(strings.NewReader(whole[:len(whole)-9]), 1000, 1<<40), rows.Columns{}, rows.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		row, err := r.Next()
		if err != nil {
			tells(t, "end", err, "gzip_truncated")
			if n < 1000 {
				t.Errorf("only %d rows", n)
			}
			return
		}
		if row.Err != nil {
			t.Fatalf("half a row: %+v", row)
		}
	}
}

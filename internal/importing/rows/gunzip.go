package rows

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
)

// gunzipSlack is how many bytes may come out whatever went in, so that the ratio is not asked of a file's first bytes.
const gunzipSlack = 1 << 20

// Gunzip unpacks gzip. It ends with InvalidArgument if the file is at fault: reason gzip_truncated, gzip_corrupt, or
// gzip_bomb once more than maxRatio bytes come out of each that went in, gzip_too_large once more than maxBytes do. Errors
// of src are passed on as they are.
func Gunzip(src io.Reader, maxRatio int, maxBytes int64) io.Reader {
	return &gunzip{src: counting{src: src}, maxRatio: int64(maxRatio), maxBytes: maxBytes}
}

type gunzip struct {
	src      counting
	maxRatio int64
	maxBytes int64
	zip      *gzip.Reader
	out      int64
	err      error
}

// counting counts what is read, and remembers what went wrong, to tell a broken file from a broken connection.
type counting struct {
	src io.Reader
	n   int64
	err error
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	if err != io.EOF {
		c.err = err
	}
	return n, err
}

func (g *gunzip) Read(p []byte) (n int, err error) {
	if g.err != nil {
		return 0, g.err
	}
	if g.zip == nil {
		g.zip, err = gzip.NewReader(&g.src)
	}
	if err == nil {
		n, err = g.zip.Read(p)
	}
	g.out += int64(n)
	switch {
	case g.out > gunzipSlack+g.maxRatio*g.src.n:
		n, err = 0, refused("gzip_bomb", "the file unpacks to more than %d times its size: it is not taken", g.maxRatio)
	case g.out > g.maxBytes:
		n, err = 0, refused("gzip_too_large", "the file unpacks to more than %d bytes, too much for one that can only be read from its start: upload it unpacked", g.maxBytes)
	}
	g.err = g.inWords(err)
	return n, g.err
}

func (g *gunzip) inWords(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case err == nil || err == io.EOF:
		return err
	case g.src.err != nil:
		return g.src.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refused("gzip_truncated", "the gzip file ends in the middle, after %s: send it again", counted(g.src.n, "byte"))
	case errors.Is(err, gzip.ErrHeader) && g.out == 0:
		return refused("gzip_corrupt", "the file is not gzip, though it is said to be")
	case errors.Is(err, gzip.ErrHeader):
		return refused("gzip_corrupt", "the gzip file goes on after its end with something else")
	case errors.Is(err, gzip.ErrChecksum):
		return refused("gzip_corrupt", "the gzip file is damaged: its checksum is wrong: send it again")
	case corrupt:
		return refused("gzip_corrupt", "the gzip file is damaged near byte %d: send it again", g.src.n)
	}
	return err
}

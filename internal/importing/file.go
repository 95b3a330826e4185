package importing

import (
	"bufio"
	"bytes"
	"context"
	"io"

	"google.golang.org/grpc/codes"

	"orderflow.dev/internal/fault"
	"orderflow.dev/internal/importing/rows"
)

// maxRatio is how many unpacked bytes a packed one may make: text packs 3 to 10 times.
const maxRatio = 200

// What is taken. A gzip file is unpacked from its start whenever it is read on, which must leave time for work. In bytes.
const (
	maxFile     = 100 << 30
	maxUnpacked = 8 << 30
)

// maxHeader keeps an import's record, which has the header, below what a database takes.
const maxHeader = 64 << 10

// open reads the file from behind the last chunk that was cut. What it reads from is to be closed.
func (p Planner) open(ctx context.Context, im *Import) (*rows.Reader, io.Closer, error) {
	if im.Chunks > 0 {
		left := rows.Span{Offset: im.Planned.End, Line: im.Planned.LastLine + 1}
		src, err := part(ctx, p.Uploads, im, left)
		if err != nil {
			return nil, nil, err
		}
		r, err := rows.Resume(src, im.Layout, left)
		return r, src, err
	}
	columns, err := p.columns(ctx, im)
	if err != nil {
		return nil, nil, err
	}
	src, err := p.sniff(ctx, im)
	if err != nil {
		return nil, nil, err
	}
	r, err := rows.Open(src, columns, rows.Limits{})
	if err != nil {
		return nil, src, err
	}
	if im.Layout = r.Layout(); len(im.Layout.Header) > maxHeader {
		im.Layout = rows.Layout{} // or it could not even be said
		err = fault.New(codes.InvalidArgument, "wrong_header", "the header is longer than %d bytes", maxHeader)
	}
	return r, src, err
}

// source is read from, and closes what it comes from.
type source struct {
	io.Reader
	io.Closer
}

var gzipMagic = []byte{0x1f, 0x8b}

// sniff reads the file from its start, unpacked if it is gzip by what it says itself: names lie.
func (p Planner) sniff(ctx context.Context, im *Import) (io.ReadCloser, error) {
	stored, err := p.Uploads.Read(ctx, im.Kept.Name, im.Kept.Generation, 0, -1)
	if err != nil {
		return nil, err
	}
	b := bufio.NewReader(stored)
	start, err := b.Peek(len(gzipMagic))
	if err != nil && err != io.EOF { // what is shorter is not gzip; of what was not read, that is not known
		stored.Close()
		return nil, err
	}
	if im.Gzip = bytes.Equal(start, gzipMagic); im.Gzip {
		return source{rows.Gunzip(b, maxRatio, maxUnpacked), stored}, nil
	}
	return source{b, stored}, nil
}

// part reads a part of an import's file.
func part(ctx context.Context, b Bucket, im *Import, s rows.Span) (io.ReadCloser, error) {
	if !im.Gzip {
		length := int64(-1)
		if s.End > 0 {
			length = s.End - s.Offset
		}
		if length == 0 || s.Offset == im.Kept.Size { // a bucket refuses to read from a file's end
			return io.NopCloser(bytes.NewReader(nil)), nil
		}
		return b.Read(ctx, im.Kept.Name, im.Kept.Generation, s.Offset, length)
	}
	stored, err := b.Read(ctx, im.Kept.Name, im.Kept.Generation, 0, -1)
	if err != nil {
		return nil, err
	}
	src := source{rows.Gunzip(stored, maxRatio, maxUnpacked), stored}
	if _, err = io.CopyN(io.Discard, src, s.Offset); err != nil {
		src.Close()
		return nil, err
	}
	return src, nil
}

// columns are how the file's columns are to be understood: as its own metadata says, or its folder, or as they are.
func (p Planner) columns(ctx context.Context, im *Import) (rows.Columns, error) {
	if own := im.Upload.Metadata[ColumnsKey]; own != "" {
		return rows.ParseColumns(im.Kind, []byte(own))
	}
	folder := ordersFolder + im.Source + "/"
	if im.Kind == rows.Catalogue {
		folder = catalogueFolder
	}
	src, err := p.Uploads.Read(ctx, folder+columnsFile, 0, 0, -1)
	if fault.Code(err) == codes.NotFound {
		return rows.Columns{Kind: im.Kind}, nil
	}
	if err != nil {
		return rows.Columns{}, err
	}
	defer src.Close()
	data, err := io.ReadAll(io.LimitReader(src, 64<<10))
	if err != nil {
		return rows.Columns{}, err
	}
	return rows.ParseColumns(im.Kind, data)
}

package database

import (
	"fmt"
	"strings"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
)

// Document is one version of a document. It never changes. Its fields are kept encoded: decoded, they would take
// several times the memory.
type Document struct {
	Path       string               // below .../documents/: "orders/1", "orders/1/lines/2"
	CreateTime time.Time            // whole microseconds, as UpdateTime
	UpdateTime time.Time            // of this version: its commit's time
	fields     []byte               // a pb.MapValue, deterministically encoded: equal if and only if the fields are
	values     map[string]*pb.Value // fields decoded; nil of a version that is kept
}

// NewDocument is a version with these fields.
func NewDocument(path string, fields map[string]*pb.Value, created, updated time.Time) *Document {
	encoded, err := encode(fields)
	if err != nil {
		panic(fmt.Sprintf("database: fields of %s: %v", path, err)) // a string that is not UTF-8: no request can have one
	}
	return &Document{Path: path, CreateTime: created, UpdateTime: updated, fields: encoded}
}

func encode(fields map[string]*pb.Value) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(&pb.MapValue{Fields: fields})
}

// Fields decodes the fields: they are the caller's.
func (d *Document) Fields() map[string]*pb.Value {
	if d.values != nil {
		return d.values
	}
	var m pb.MapValue
	if err := proto.Unmarshal(d.fields, &m); err != nil {
		panic(fmt.Sprintf("database: fields of %s: %v", d.Path, err)) // encode made them
	}
	if m.Fields == nil {
		return map[string]*pb.Value{}
	}
	return m.Fields
}

// decoded is a copy that is decoded only once. It is to be dropped soon, and its Fields are not to be changed.
func (d *Document) decoded() *Document {
	if d == nil {
		return nil
	}
	c := *d
	c.values = d.Fields()
	return &c
}

// bytes is roughly what the version takes of the memory.
func (d *Document) bytes() int {
	const overhead = 200
	if d == nil {
		return overhead
	}
	return overhead + len(d.Path) + len(d.fields)
}

// Scope says which documents a query ranges over.
type Scope struct {
	Parent     string // path of a document; "" is the database itself
	Collection string // id; "" is every collection, which only a Group may have
	Group      bool   // at any depth below Parent, not only right below it
}

// Contains says whether a document is in the scope.
func (s Scope) Contains(path string) bool {
	if s.Parent != "" {
		below, ok := strings.CutPrefix(path, s.Parent+"/")
		if !ok {
			return false
		}
		path = below
	}
	collection, _ := cutLast(path)
	if !s.Group {
		return collection == s.Collection
	}
	_, id := cutLast(collection)
	return s.Collection == "" || id == s.Collection
}

// cutLast cuts a path's last segment off; parent is "" if it has only one.
func cutLast(path string) (parent, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

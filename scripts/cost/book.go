package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

var (
	//go:embed prices.yaml
	pricesYAML []byte
	//go:embed quantities.yaml
	quantitiesYAML []byte
)

// price is one list price, and where it was read.
type price struct {
	Key      string  `yaml:"key"`
	Product  string  `yaml:"product"`
	What     string  `yaml:"what"` // that is billed: document reads
	USD      string  `yaml:"usd"`  // of Per units, exactly as listed
	Per      int64   `yaml:"per"`
	Unit     string  `yaml:"unit"`
	Free     string  `yaml:"free"`      // what costs nothing; never subtracted here
	Source   string  `yaml:"source"`    // Google's page
	Read     reading `yaml:"read"`      // how much that page told
	LookedUp string  `yaml:"looked_up"` // 2026-11-23
	Note     string  `yaml:"note"`
}

// reading is how a price was read: on the page itself; where others quote the page; or nowhere, a guess.
type reading string

const (
	onPage  reading = "page"
	quoted  reading = "quoted"
	nowhere reading = "none"
)

// official are the hosts of Google's pages on prices and on what is billed.
var official = []string{"cloud.google.com", "docs.cloud.google.com", "firebase.google.com"}

// quantity is a number that is neither counted by a test nor said by a unit.
type quantity struct {
	Key   string `yaml:"key"`
	Value string `yaml:"value"`
	Unit  string `yaml:"unit"`
	What  string `yaml:"what"`
	Basis string `yaml:"basis"` // one of bases
	How   string `yaml:"how"`

	File    string `yaml:"file"`    // of a setting: where it is
	Pattern string `yaml:"pattern"` // and what finds it there
}

var bases = []string{"measured", "setting", "rule", "assumed"}

// book looks prices and quantities up, and remembers what was asked for.
type book struct {
	prices     []price
	quantities []quantity
	used       map[string]bool
	problems   []error
}

// open reads both files. The error names every entry that is wrong: a number without a source is one.
func open(prices, quantities []byte) (*book, error) {
	b := &book{used: map[string]bool{}}
	if err := errors.Join(decode("prices.yaml", prices, &b.prices), decode("quantities.yaml", quantities, &b.quantities)); err != nil {
		return nil, err
	}
	var bad []error
	seen := map[string]bool{}
	complain := func(file, key, format string, args ...any) {
		bad = append(bad, fmt.Errorf("%s, %s: %s", file, key, fmt.Sprintf(format, args...)))
	}
	for _, p := range b.prices {
		for _, what := range p.wrong() {
			complain("prices.yaml", p.Key, "%s", what)
		}
		if seen[p.Key] {
			complain("prices.yaml", p.Key, "the key is there twice")
		}
		seen[p.Key] = true
	}
	for _, q := range b.quantities {
		if _, ok := amount(q.Value); !ok {
			complain("quantities.yaml", q.Key, "the value %q is no decimal number", q.Value)
		}
		if q.What == "" || q.How == "" || !slices.Contains(bases, q.Basis) {
			complain("quantities.yaml", q.Key, "it must say what it is, its basis (%s) and how it is known", strings.Join(bases, ", "))
		}
		if seen[q.Key] {
			complain("quantities.yaml", q.Key, "the key is there twice")
		}
		seen[q.Key] = true
	}
	return b, errors.Join(bad...)
}

// settings holds the quantities that are settings of a tree to what it says.
func (b *book) settings(tree fs.FS) error {
	var bad []error
	for _, q := range b.quantities {
		if q.Basis != "setting" {
			continue
		}
		text, err := fs.ReadFile(tree, q.File)
		if err != nil {
			bad = append(bad, fmt.Errorf("quantities.yaml, %s: %w", q.Key, err))
			continue
		}
		pattern, err := regexp.Compile(q.Pattern)
		if err != nil {
			bad = append(bad, fmt.Errorf("quantities.yaml, %s: %w", q.Key, err))
			continue
		}
		switch found := pattern.FindSubmatch(text); {
		case len(found) != 2:
			bad = append(bad, fmt.Errorf("quantities.yaml, %s: its pattern finds nothing in %s", q.Key, q.File))
		case string(found[1]) != q.Value:
			bad = append(bad, fmt.Errorf("quantities.yaml, %s: %s says %s, not %s", q.Key, q.File, found[1], q.Value))
		}
	}
	return errors.Join(bad...)
}

func decode(file string, text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (p price) wrong() (bad []string) {
	if _, ok := amount(p.USD); !ok {
		bad = append(bad, fmt.Sprintf("usd %q is no decimal number", p.USD))
	}
	if p.Per < 1 || p.Unit == "" || p.Product == "" || p.What == "" {
		bad = append(bad, "product, what, per and unit must be set")
	}
	if _, err := time.Parse(time.DateOnly, p.LookedUp); err != nil {
		bad = append(bad, fmt.Sprintf("looked_up %q is no date, such as 2026-11-23", p.LookedUp))
	}
	switch u, err := url.Parse(p.Source); {
	case p.Read == nowhere && p.Note == "":
		bad = append(bad, "a price that was read nowhere has a note that says why it is what it is")
	case p.Read == nowhere:
	case p.Read != onPage && p.Read != quoted:
		bad = append(bad, fmt.Sprintf("read is %q: it may be page, quoted or none", p.Read))
	case err != nil || u.Scheme != "https" || !slices.Contains(official, u.Host):
		bad = append(bad, fmt.Sprintf("the source %q is no page of %s", p.Source, strings.Join(official, ", ")))
	}
	return bad
}

// amount reads a decimal number exactly; a sign, an exponent or a fraction is refused.
func amount(s string) (*big.Rat, bool) {
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// price is the price of a key.
func (b *book) price(key string) price {
	b.used[key] = true
	if i := slices.IndexFunc(b.prices, func(p price) bool { return p.Key == key }); i >= 0 {
		return b.prices[i]
	}
	b.fail("prices.yaml has no %s", key)
	return price{USD: "0", Per: 1}
}

// value is the value of a quantity's key.
func (b *book) value(key string) *big.Rat {
	b.used[key] = true
	for _, q := range b.quantities {
		if q.Key == key {
			v, _ := amount(q.Value) // open has read it
			return v
		}
	}
	b.fail("quantities.yaml has no %s", key)
	return new(big.Rat)
}

func (b *book) fail(format string, args ...any) {
	b.problems = append(b.problems, fmt.Errorf(format, args...))
}

// err says what was missing, what went wrong, and what nothing asks for.
func (b *book) err() error {
	bad := b.problems
	for _, p := range b.prices {
		if !b.used[p.Key] {
			bad = append(bad, fmt.Errorf("prices.yaml: nothing uses %s", p.Key))
		}
	}
	for _, q := range b.quantities {
		if !b.used[q.Key] {
			bad = append(bad, fmt.Errorf("quantities.yaml: nothing uses %s", q.Key))
		}
	}
	return errors.Join(bad...)
}

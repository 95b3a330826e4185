package filter_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow.dev/local/pubsub/filter"
)

func TestFiltersChooseByAttributes(t *testing.T) {
	t.Parallel()
	messages := map[string]map[string]string{
		"none":    nil,
		"placed":  {"ce-type": "orderflow.event.v1.OrderPlaced"},
		"created": {"ce-type": "orderflow.event.v1.OrderCreated", "resume": "true"},
		"other":   {"ce-type": "other", "resume": "", `q"\`: `a"\`, "iana.org/tag": "みんな", "1": "\n"},
	}
	tests := map[string][]string{
		"":                              {"none", "placed", "created", "other"},
		" ":                             {"none", "placed", "created", "other"},
		`attributes."resume" = "true"`:  {"created"},
		`attributes.resume="true"`:      {"created"},
		`attributes.resume != "true"`:   {"none", "placed", "other"},
		`NOT attributes.resume!="true"`: {"created"},
		`attributes:"resume"`:           {"created", "other"},
		`attributes:resume`:             {"created", "other"},
		`attributes:ce-type`:            {"placed", "created", "other"},
		`attributes.ce-type = "other"`:  {"other"},
		`attributes:1`:                  {"other"},
		`attributes."resume" = ""`:      {"other"},
		`NOT attributes:"resume"`:       {"none", "placed"},
		`-attributes:resume`:            {"none", "placed"},
		`- (attributes:resume)`:         {"none", "placed"},
		`NOT NOT attributes:"resume"`:   {"created", "other"},
		`NOT -attributes:"resume"`:      {"created", "other"},
		`hasPrefix(attributes."ce-type", "orderflow.")`:                              {"placed", "created"},
		`hasPrefix(attributes."ce-type","")`:                                         {"placed", "created", "other"},
		`attributes:"resume" AND hasPrefix(attributes."ce-type", "o")`:               {"created", "other"},
		`attributes:"resume" AND NOT attributes.resume = "true"`:                     {"other"},
		`attributes:"resume" AND -attributes.resume = "true"`:                        {"other"},
		`NOT (attributes:"resume" OR attributes:"ce-type")`:                          {"none"},
		`attributes:"x" OR (attributes:"resume" AND attributes."ce-type" = "other")`: {"other"},
		`attributes:"x" OR attributes:"y" OR attributes.resume = "true"`:             {"created"},
		`attributes."q\"\\" = "a\"\\"`:                                               {"other"},
		`attributes."iana.org/tag" = "みんな"`:                                          {"other"},
		`attributes."iana.org/tag" = "\u307F\u3093\u306A"`:                           {"other"},
		`attributes."iana.org/tag" = "\xe3\x81\xbf\343\202\223な"`:                    {"other"},
		`attributes."\x31" = "\n"`:                                                   {"other"},
		"attributes:\"resume\"\n\tAND (attributes:\"ce-type\")":                      {"created", "other"},
		`attributes."ce-type" = "attributes" OR attributes.resume = "AND"`:           nil,
		`((attributes:"resume"))`:                                                    {"created", "other"},
		`NOT attributes:"resume" AND attributes:"ce-type"`:                           {"placed"},
		`NOT attributes:"resume" OR attributes."ce-type" = "other"`:                  {"none", "placed", "other"},
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			f, err := filter.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, name := range []string{"none", "placed", "created", "other"} {
				if f(messages[name]) {
					got = append(got, name)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotInTheLanguageIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`attributes.a ! = "b"`:                  `unsupported "!"`,
		`attributes.a != b`:                     `want a quoted string, found "b"`,
		`attributes.a = b`:                      `want a quoted string, found "b"`,
		`attributes.a > "b"`:                    `unsupported ">"`,
		`attributes.a = 'b'`:                    `unsupported "'"`,
		`attributes.ä = "b"`:                    `unsupported "ä"`,
		`data = "x"`:                            `unsupported "data"`,
		`attributes.a = "b" and attributes:"c"`: `unexpected "and"`,
		`attributes:"a" AND attributes:"b" OR attributes:"c"`: `AND and OR need parentheses between them`,
		`attributes:"a" OR attributes:"b" AND attributes:"c"`: `AND and OR need parentheses between them`,
		`attributes.a = "b`:                         `a quote is not closed`,
		`attributes.a = "\`:                         `unsupported escape`,
		`attributes.a = "\q"`:                       `unsupported escape`,
		`attributes.a = "\xff"`:                     `is not UTF-8`,
		`(attributes:"a"`:                           `want ")", found the end`,
		`attributes:"a")`:                           `unexpected ")"`,
		`attributes:"a" attributes:"b"`:             `unexpected "attributes"`,
		`NOT`:                                       `unsupported the end`,
		`attributes`:                                `want ".", found the end`,
		`attributes.a`:                              `want "=", found the end`,
		`attributes.-a = "b"`:                       `want an attribute's name, found "-"`,
		`hasPrefix(attributes:"a", "b")`:            `want ".", found ":"`,
		`hasPrefix(attributes.a)`:                   `want ",", found ")"`,
		`hasSuffix(attributes.a, "b")`:              `unsupported "hasSuffix"`,
		`"attributes":"a"`:                          `unsupported "attributes"`,
		strings.Repeat(" ", 256) + `attributes:"a"`: `longer than 256 bytes`,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if _, err := filter.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Parse = %v, want %s", err, want)
			}
		})
	}
}

// FuzzFilter holds the parser to two rules: it never panics, and what it accepts it accepts in parentheses and
// refutes with NOT.
func FuzzFilter(f *testing.F) {
	for _, text := range []string{
		`attributes."k" = "v"`, `attributes:"k" AND NOT attributes:"v"`, `attributes.k-1 != "\u0041\101\x41"`,
		`hasPrefix(attributes.k, "v") OR (-attributes:k)`, `attributes."\"\\"="x"`, `((`, `NOT`, `"\`,
	} {
		f.Add(text, "k", "v")
	}
	f.Fuzz(func(t *testing.T, text, key, value string) {
		accepts, err := filter.Parse(text)
		if err != nil || len(text) > filter.MaxBytes-6 || strings.TrimSpace(text) == "" {
			return
		}
		refutes, err := filter.Parse("NOT (" + text + ")")
		if err != nil {
			t.Fatalf("accepted alone but not in parentheses: %v", err)
		}
		attributes := map[string]string{key: value}
		if accepts(attributes) == refutes(attributes) {
			t.Fatalf("%q and its opposite agree on %v", text, attributes)
		}
	})
}

package workflows

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"orderflow.dev/local/workflows/stdlib"
)

// languageRow is a row of the tables in docs/workflows-language.md.
type languageRow struct{ what, supported, test string }

var rowPattern = regexp.MustCompile("^\\| (.*) \\| (\\w+) \\| `(.*)` \\|$")

// languageRows reads every row of the tables.
func languageRows(t *testing.T) []languageRow {
	t.Helper()
	text, err := os.ReadFile("../../docs/workflows-language.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []languageRow
	for _, line := range strings.Split(string(text), "\n") {
		if m := rowPattern.FindStringSubmatch(line); m != nil {
			rows = append(rows, languageRow{m[1], m[2], m[3]})
		} else if strings.HasPrefix(line, "|") && !strings.HasPrefix(line, "|---") && !strings.HasSuffix(line, "| supported | test |") {
			t.Errorf("docs/workflows-language.md: row is not of the form | what | yes or no | `Test` |: %s", line)
		}
	}
	if len(rows) < 100 {
		t.Fatalf("docs/workflows-language.md has %d rows, want the whole language", len(rows))
	}
	return rows
}

// testNames reads the tests of the packages of the engine and, by file, the
// texts they hold, among which are the names of their cases.
func testNames(t *testing.T) (tests map[string]string, texts map[string]map[string]bool) {
	t.Helper()
	tests, texts = map[string]string{}, map[string]map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = map[string]bool{}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					tests[n.Name.Name] = name
				case *ast.BasicLit:
					if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
						texts[name][s] = true
					}
				}
				return true
			})
		}
	}
	return tests, texts
}

// TestEveryRowOfTheLanguageIsProven: the test of a row exists if and only if the
// row says that the construct is supported.
func TestEveryRowOfTheLanguageIsProven(t *testing.T) {
	t.Parallel()
	tests, texts := testNames(t)
	exists := func(test string) bool {
		name, one, hasCase := strings.Cut(test, "/")
		if prefix, many := strings.CutSuffix(name, "…"); many {
			for other := range tests {
				if strings.HasPrefix(other, prefix) {
					return true
				}
			}
			return false
		}
		file, ok := tests[name]
		return ok && (!hasCase || texts[file][one])
	}
	for _, row := range languageRows(t) {
		switch found := exists(row.test); {
		case row.supported == "yes" && !found:
			t.Errorf("%s: test %s does not exist", row.what, row.test)
		case row.supported == "no" && found:
			t.Errorf("%s: test %s exists, say yes", row.what, row.test)
		case row.supported != "yes" && row.supported != "no":
			t.Errorf("%s: supported is %q, want yes or no", row.what, row.supported)
		}
	}
}

// TestEveryFunctionIsInTheTable: with the arguments it has, and called supported.
func TestEveryFunctionIsInTheTable(t *testing.T) {
	t.Parallel()
	supported := map[string]bool{}
	for _, row := range languageRows(t) {
		supported[strings.Trim(row.what, "`")] = row.supported == "yes"
	}
	has := map[string]bool{}
	for name, c := range functions {
		arguments := strings.TrimPrefix(c.signature(), "it takes ")
		if arguments == "none" {
			arguments = ""
		}
		has[name+"("+arguments+")"] = true
	}
	for name := range stdlib.Globals {
		has[name] = true
	}
	for what := range has {
		if !supported[what] {
			t.Errorf("docs/workflows-language.md lacks a row with yes for %s", what)
		}
	}
	call := regexp.MustCompile(`^[a-z_0-9.]+\(.*\)$`)
	for what, yes := range supported {
		if call.MatchString(what) && yes && !has[what] {
			t.Errorf("docs/workflows-language.md has %s, the code has not", what)
		}
	}
}

package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// checkFunction finds what is wrong with the folder of a function: its files, its package, what its init registers.
func checkFunction(folder string, files []string, source string) (broken []string) {
	slices.Sort(files)
	if want := []string{"function.go", "function.yaml", "function_test.go"}; !slices.Equal(files, want) {
		broken = append(broken, fmt.Sprintf("its files are %v, want exactly %v", files, want))
	}
	file, err := parser.ParseFile(token.NewFileSet(), "function.go", source, parser.SkipObjectResolution)
	if err != nil {
		return append(broken, err.Error())
	}
	if want := strings.ReplaceAll(folder, "-", ""); file.Name.Name != want {
		broken = append(broken, fmt.Sprintf("its package is %s, want %s", file.Name.Name, want))
	}
	if got := registered(file); !slices.Equal(got, []string{folder}) {
		broken = append(broken, fmt.Sprintf("its init registers %q, want its folder's name and nothing else", got))
	}
	return broken
}

// registered are the names that a file's init gives to platform/function. Anything else in init is listed as it is.
func registered(file *ast.File) (names []string) {
	for _, d := range file.Decls {
		init, ok := d.(*ast.FuncDecl)
		if !ok || init.Name.Name != "init" || init.Recv != nil {
			continue
		}
		for _, s := range init.Body.List {
			names = append(names, registration(s))
		}
	}
	return names
}

func registration(s ast.Stmt) string {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return fmt.Sprintf("%T", s)
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return "something else"
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "something else"
	}
	room, isName := selector.X.(*ast.Ident)
	literal, isText := call.Args[0].(*ast.BasicLit)
	if !isName || room.Name != "function" || !isText {
		return "something else"
	}
	name, err := strconv.Unquote(literal.Value)
	if err != nil {
		return literal.Value
	}
	return name
}

package sabotage

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// goFaults reads Go with its own parser. Every edit keeps all names in use
// (the old code stays behind a false condition), so that no variable or import
// becomes unused.
func goFaults(data []byte) []fault {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "source.go", data, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	for _, c := range file.Imports {
		if c.Path.Value == `"C"` || (c.Name != nil && c.Name.Name == ".") {
			return nil
		}
	}
	g := &goReader{data: data, files: files}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			g.function = function{goName(f), g.offset(f.Pos())}
			g.readFunction(f.Type, f.Recv, f.Body)
		}
	}
	return g.found
}

type goReader struct {
	data     []byte
	files    *token.FileSet
	function function
	found    []fault
}

func (g *goReader) offset(p token.Pos) int { return g.files.Position(p).Offset }
func (g *goReader) line(p token.Pos) int   { return g.files.Position(p).Line }

func (g *goReader) text(n ast.Node) string {
	return string(g.data[g.offset(n.Pos()):g.offset(n.End())])
}

// replace offers a fault that replaces the source between two positions.
func (g *goReader) replace(from, to token.Pos, line int, kind Kind, rank int, after string) {
	g.found = append(g.found, fault{g.offset(from), g.offset(to), after, line, kind, rank, g.function})
}

func goName(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	t := f.Recv.List[0].Type
	for {
		switch inner := t.(type) {
		case *ast.StarExpr:
			t = inner.X
		case *ast.IndexExpr:
			t = inner.X
		case *ast.IndexListExpr:
			t = inner.X
		case *ast.Ident:
			return inner.Name + "." + f.Name.Name
		default:
			return f.Name.Name
		}
	}
}

// readFunction reads a declared function or, with nil for the receiver, a
// function literal.
func (g *goReader) readFunction(t *ast.FuncType, receiver *ast.FieldList, body *ast.BlockStmt) {
	if len(body.List) == 0 {
		return
	}
	names := fieldNames(receiver, t.Params, t.Results)
	if !goTrivial(body) {
		g.offerBody(t, names, body)
	}
	statements := &goStatements{goReader: g, signature: t, names: names, clauses: map[ast.Stmt]bool{}}
	for _, s := range body.List {
		ast.Walk(statements, s)
	}
}

// fieldNames maps the names of parameters to their types, as written.
func fieldNames(lists ...*ast.FieldList) map[string]string {
	names := map[string]string{}
	for _, l := range lists {
		if l == nil {
			continue
		}
		for _, field := range l.List {
			written := ""
			if id, ok := field.Type.(*ast.Ident); ok {
				written = id.Name
			}
			for _, n := range field.Names {
				names[n.Name] = written
			}
		}
	}
	return names
}

// goTrivial reports whether returning zero values at once would change
// nothing: the body is one return of zero values, or one panic.
func goTrivial(body *ast.BlockStmt) bool {
	if len(body.List) != 1 {
		return false
	}
	switch s := body.List[0].(type) {
	case *ast.ReturnStmt:
		for _, r := range s.Results {
			if !goZero(r) {
				return false
			}
		}
		return true
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && identName(call.Fun) == "panic"
	}
	return false
}

func goZero(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name == "nil" || x.Name == "false"
	case *ast.BasicLit:
		return x.Value == "0" || x.Value == `""` || x.Value == "``" || x.Value == "0.0"
	case *ast.CompositeLit:
		return len(x.Elts) == 0
	}
	return false
}

func identName(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// offerBody lets the function return zero values before its first statement.
func (g *goReader) offerBody(t *ast.FuncType, names map[string]string, body *ast.BlockStmt) {
	values, rank, ok := g.zeros(t, names)
	if !ok {
		return
	}
	if t.Results == nil && g.onlyTells(body) {
		return
	}
	after := "{ if true { " + strings.TrimSpace("return "+values) + " }; "
	g.replace(body.Lbrace, body.Lbrace+1, g.line(body.List[0].Pos()), Body, rank, after)
}

// zeros returns the zero value of each result, "" where there is none or the
// results have names. The rank is rough where a caller may trip over nil.
func (g *goReader) zeros(t *ast.FuncType, names map[string]string) (values string, rank int, ok bool) {
	if t.Results == nil {
		return "", fair, true // a later step may crash for what it did not do
	}
	var all []string
	named := false
	for _, field := range t.Results.List {
		if mentions(field.Type, names) {
			return "", 0, false
		}
		if mayCrash(field.Type) {
			rank = rough
		}
		all = append(all, "*new("+g.text(field.Type)+")")
		named = named || len(field.Names) > 0
	}
	if named {
		return "", rank, true
	}
	if _, shadowed := names["new"]; shadowed {
		return "", 0, false
	}
	return strings.Join(all, ", "), rank, true
}

// mentions reports whether the type uses a name that a parameter shadows.
func mentions(t ast.Expr, names map[string]string) bool {
	found := false
	ast.Inspect(t, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			_, shadowed := names[id.Name]
			found = found || shadowed
		}
		return true
	})
	return found
}

// mayCrash reports whether the zero value of a type is nil and is used
// without a look, as that of an error is not. What a plain name stands for is
// not known without type checking; most are structs and numbers.
func mayCrash(t ast.Expr) bool {
	switch x := t.(type) {
	case *ast.StarExpr, *ast.FuncType, *ast.InterfaceType, *ast.ChanType, *ast.MapType:
		return true
	case *ast.SelectorExpr:
		return strings.HasSuffix(x.Sel.Name, "er") // http.Handler, io.Reader
	}
	return false
}

// onlyTells reports whether every statement is a quiet call.
func (g *goReader) onlyTells(body *ast.BlockStmt) bool {
	for _, s := range body.List {
		e, ok := s.(*ast.ExprStmt)
		if !ok || !isQuietCall(g.text(e)) {
			return false
		}
	}
	return true
}

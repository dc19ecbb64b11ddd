package sabotage

import (
	"go/ast"
	"go/token"
	"strconv"
	"strings"
)

// goStatements walks the statements of one function and offers faults.
type goStatements struct {
	*goReader
	signature *ast.FuncType
	names     map[string]string
	clauses   map[ast.Stmt]bool // statements where only a simple one may stand
}

// simple remembers the parts of a header, where no if may stand.
func (g *goStatements) simple(statements ...ast.Stmt) {
	for _, s := range statements {
		if s != nil {
			g.clauses[s] = true
		}
	}
}

// Visit offers the faults of one node; nil stops the descent.
func (g *goStatements) Visit(n ast.Node) ast.Visitor {
	switch x := n.(type) {
	case *ast.FuncLit:
		g.readFunction(x.Type, nil, x.Body)
		return nil
	case *ast.GenDecl, *ast.DeferStmt, *ast.IndexExpr, *ast.SliceExpr, *ast.ArrayType, *ast.IndexListExpr:
		return nil // constants, and places where one more is out of range
	case *ast.CaseClause:
		for _, s := range x.Body {
			ast.Walk(g, s)
		}
		return nil // two equal cases do not compile
	case *ast.KeyValueExpr:
		ast.Walk(g, x.Value)
		return nil // two equal keys do not compile
	case *ast.IfStmt:
		g.simple(x.Init)
		g.offerNegation(x)
	case *ast.ForStmt:
		g.simple(x.Init, x.Post)
	case *ast.SwitchStmt:
		g.simple(x.Init)
	case *ast.TypeSwitchStmt:
		g.simple(x.Init)
	case *ast.ReturnStmt:
		g.offerReturn(x)
	case *ast.BinaryExpr:
		g.offerOperator(x)
		return g.belowOperator(x)
	case *ast.ExprStmt:
		return g.offerCall(x)
	case *ast.CallExpr:
		if name := identName(x.Fun); name == "make" || name == "panic" || isQuietCall(g.text(x)) || makesError(g.text(x)) {
			return nil
		}
	case *ast.BasicLit:
		g.offerLiteral(x)
	}
	return g
}

func makesError(call string) bool {
	return strings.HasPrefix(call, "errors.") || strings.HasPrefix(call, "fmt.Errorf(")
}

// belowOperator does not go below shifts and masks, where one more overflows.
func (g *goStatements) belowOperator(x *ast.BinaryExpr) ast.Visitor {
	switch x.Op {
	case token.SHL, token.SHR, token.AND, token.OR, token.XOR:
		return nil
	}
	return g
}

func (g *goStatements) offerNegation(x *ast.IfStmt) {
	rank := strong
	if guards := g.text(x.Cond); strings.Contains(guards, "nil") || strings.Contains(guards, "len(") || strings.Contains(guards, "ok") || g.endsProgram(x.Body) {
		rank = rough
	}
	g.replace(x.Cond.Pos(), x.Cond.End(), g.line(x.Cond.Pos()), Negate, rank, "!("+g.text(x.Cond)+")")
}

// endsProgram reports whether a block panics.
func (g *goStatements) endsProgram(b *ast.BlockStmt) bool {
	return strings.Contains(g.text(b), "panic(") || strings.Contains(g.text(b), "Fatal")
}

// offerReturn changes each returned value whose type is a basic one.
func (g *goStatements) offerReturn(x *ast.ReturnStmt) {
	if g.signature.Results == nil {
		return
	}
	var types []string
	for _, field := range g.signature.Results.List {
		for range max(len(field.Names), 1) {
			types = append(types, identName(field.Type))
		}
	}
	if len(types) != len(x.Results) {
		return
	}
	for i, value := range x.Results {
		if after := otherGoValue(types[i], g.text(value)); after != "" {
			g.replace(value.Pos(), value.End(), g.line(value.Pos()), Return, strong, after)
		}
	}
}

// otherGoValue returns an expression that never equals the given one.
func otherGoValue(typ, value string) string {
	switch typ {
	case "bool":
		return "!(" + value + ")"
	case "string":
		return "(" + value + `) + "x"`
	case "int", "int64", "float64", "int32", "float32", "uint", "uint64", "uint32":
		if !strings.Contains(value, "Max") {
			return "(" + value + ") + 1"
		}
	}
	return ""
}

var goSwapped = map[token.Token]string{
	token.EQL: "!=", token.NEQ: "==", token.LSS: ">=", token.GEQ: "<", token.GTR: "<=", token.LEQ: ">",
	token.LAND: "||", token.LOR: "&&", token.ADD: "-", token.SUB: "+",
}

func (g *goStatements) offerOperator(x *ast.BinaryExpr) {
	after := goSwapped[x.Op]
	kind, rank := Compare, fair
	switch x.Op {
	case token.EQL, token.NEQ:
		if identName(x.X) == "nil" || identName(x.Y) == "nil" {
			rank = rough
		}
	case token.LAND, token.LOR:
		kind, rank = Logic, weak
		if suspect(x) {
			return
		}
		if strings.Contains(g.text(x), "nil") || strings.Contains(g.text(x), "len(") {
			rank = rough
		}
	case token.ADD, token.SUB:
		kind = Arithmetic
		if x.Op == token.ADD && !g.numeric(x.X) && !g.numeric(x.Y) {
			return
		}
	}
	if after != "" {
		end := x.OpPos + token.Pos(len(x.Op.String()))
		g.replace(x.OpPos, end, g.line(x.OpPos), kind, rank, after)
	}
}

// suspect reports whether swapping the operator makes what go vet refuses,
// also within go test: "x != a || x != b", which is always true. Both sides
// compare by the same operator then.
func suspect(x *ast.BinaryExpr) bool {
	left, leftOK := ast.Unparen(x.X).(*ast.BinaryExpr)
	right, rightOK := ast.Unparen(x.Y).(*ast.BinaryExpr)
	if leftOK && left.Op == x.Op {
		left, leftOK = ast.Unparen(left.Y).(*ast.BinaryExpr)
	}
	return leftOK && rightOK && left.Op == right.Op && (left.Op == token.EQL || left.Op == token.NEQ)
}

// numeric reports whether an operand is a number for certain, without types.
func (g *goStatements) numeric(e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.BasicLit:
		return x.Kind == token.INT || x.Kind == token.FLOAT
	case *ast.Ident:
		return otherGoValue(g.names[x.Name], "") == "() + 1"
	case *ast.CallExpr:
		return identName(x.Fun) == "len"
	case *ast.BinaryExpr:
		return x.Op == token.SUB || x.Op == token.MUL || x.Op == token.QUO
	}
	return false
}

// offerCall leaves out a call that is a statement of its own.
func (g *goStatements) offerCall(x *ast.ExprStmt) ast.Visitor {
	call, ok := x.X.(*ast.CallExpr)
	if !ok || g.clauses[x] || identName(call.Fun) == "panic" || isQuietCall(g.text(x)) {
		return nil
	}
	g.replace(x.Pos(), x.End(), g.line(x.Pos()), Call, weak, "if false { "+g.text(x)+" }")
	return g
}

func (g *goStatements) offerLiteral(x *ast.BasicLit) {
	switch x.Kind {
	case token.INT:
		if n, ok := smallNumber(x.Value); ok {
			g.replace(x.Pos(), x.End(), g.line(x.Pos()), Number, weak, strconv.Itoa(n+1))
		}
	case token.STRING:
		if len(x.Value) > 2 {
			// In front, since behind it could become part of a printf verb.
			g.replace(x.Pos(), x.End(), g.line(x.Pos()), Text, weak, x.Value[:1]+"~"+x.Value[1:])
		}
	}
}

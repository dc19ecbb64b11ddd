package scaffold

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// declared is a route that a source declares, as far as its text tells.
type declared struct {
	method  string // "" where the declaration does not say
	path    string
	where   string
	guard   string // what its handler is wrapped in, "" for nothing
	handler string // the name of the function that answers, "" where the code follows
	after   string // the code that follows
}

// The ways in which sources declare a route.
var (
	goRoute     = regexp.MustCompile(`\.(?:HandleFunc|Handle)\(\s*"(?:([A-Z]+) )?(/[^"\s]*)"\s*,\s*([^\n]*)`)
	callRoute   = regexp.MustCompile(`\.(get|post|put|patch|delete|all|route|Get|Post|GET|POST)\(\s*["'` + "`" + `](/[^"'` + "`" + `\s]*)["'` + "`" + `]([^\n]*)`)
	tableRoute  = regexp.MustCompile("[\"'`](?:(GET|POST|PUT|PATCH|DELETE) )?(/[^\"'`\\s]*)[\"'`]\\s*:\\s*([^\\n,]*)")
	djangoRoute = regexp.MustCompile(`\bpath\(\s*r?["']([^"'\s]*)["']\s*,\s*([^\n]*)`)
	wordRoute   = regexp.MustCompile(`(?m)^\s*(get|post|put|patch|delete)\s+["'](/[^"'\s]*)["']`)
	annotated   = regexp.MustCompile(`@(Get|Post|Put|Patch|Delete|Request)Mapping\(\s*(?:value\s*=\s*|path\s*=\s*)?"(/[^"\s]*)"`)

	caseRoute  = regexp.MustCompile(`(?m)\bcase\s+"(GET|POST|PUT|PATCH|DELETE) (/[^"\s]*)"`)
	tupleRoute = regexp.MustCompile(`["'](GET|POST|PUT|PATCH|DELETE)["']\s*,\s*["'](/[^"'\s]*)["']\s*\)?\s*[,:]\s*([^\n,]*)`)

	handlerForm = regexp.MustCompile(`^[,(\s]*(?:[\w.]+\()*(?:[\w]+[.:])*(\w+)[),;}\s]*$`)
	guardForm   = regexp.MustCompile(`^\(?,?\s*([\w.]+)\(`)
	includeForm = regexp.MustCompile(`^include\(\s*["']([\w.]+)["']`)
	viewForm    = regexp.MustCompile(`^(?:\w+\.)*(\w+)`)
	methodsForm = regexp.MustCompile(`methods\s*=\s*[\[(]\s*["'](\w+)["']`)
)

// findRoutes fills what the sources declare.
func (f *facts) findRoutes() {
	for _, name := range f.sources {
		text := f.texts[name]
		switch extension(name) {
		case ".go":
			f.declare(name, text, goRoute)
			f.declare(name, text, callRoute)
			f.declare(name, text, caseRoute)
		case ".js":
			f.declare(name, text, callRoute)
			f.declare(name, text, tableRoute)
		case ".py":
			f.declare(name, text, callRoute)
			f.declare(name, text, tupleRoute)
			f.djangoRoutes(name, text)
		case ".rb", ".ru":
			f.declare(name, text, wordRoute)
		case ".java":
			f.declare(name, text, annotated)
		}
	}
}

// declare notes the routes of one form, whose groups are the method, the path
// and, in some, what follows.
func (f *facts) declare(name, text string, form *regexp.Regexp) {
	for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
		d := declared{method: strings.ToUpper(group(text, at, 1)), path: group(text, at, 2), where: place(name, text, at[0])}
		d.path = strings.TrimSuffix(d.path, "{$}")
		after := ""
		if form.NumSubexp() > 2 {
			after = group(text, at, 3)
			if m := guardForm.FindStringSubmatch(after); m != nil && m[1] != "func" && m[1] != "function" && m[1] != "async" {
				d.guard = m[1]
			}
			if m := handlerForm.FindStringSubmatch(after); m != nil {
				d.handler = m[1]
			}
		}
		if m := decorated.FindStringSubmatch(lines(text[at[1]:], handlerLines)); m != nil && d.handler == "" {
			d.handler = m[1]
		}
		d.after = untilRoute(text[at[1]:])
		if d.method == "ALL" || d.method == "ROUTE" || d.method == "REQUEST" {
			d.method = ""
			if m := methodsForm.FindStringSubmatch(after); m != nil {
				d.method = strings.ToUpper(m[1])
			}
		}
		f.declared = append(f.declared, d)
	}
}

// decorated is the function of Python that stands behind its route.
var decorated = regexp.MustCompile(`^\s*(?:@[^\n]*\n\s*)*(?:async )?def (\w+)\(`)

var nextRoute = regexp.MustCompile(`(?m)^\s*(?:case|default)\b|^(?:@|func |function |(?:export )?const |def |class |\}|\))|["'` + "`" + `](?:GET |POST )?/`)

// untilRoute returns the code up to the next route.
func untilRoute(text string) string {
	text = lines(text, handlerLines)
	if next := nextRoute.FindStringIndex(text); next != nil {
		return text[:next[0]]
	}
	return text
}

// djangoRoutes reads a list of urlpatterns, under the prefix that includes it.
func (f *facts) djangoRoutes(name, text string) {
	if !strings.Contains(text, "urlpatterns") {
		return
	}
	prefix := f.prefix(strings.ReplaceAll(strings.TrimSuffix(name, ".py"), "/", "."))
	for _, at := range djangoRoute.FindAllStringSubmatchIndex(text, -1) {
		rest := group(text, at, 2)
		if includeForm.MatchString(rest) {
			continue
		}
		d := declared{path: "/" + prefix + group(text, at, 1), where: place(name, text, at[0])}
		if m := viewForm.FindStringSubmatch(rest); m != nil {
			d.handler = m[1]
			d.method, d.guard = f.view(path.Dir(name), m[1])
		}
		f.declared = append(f.declared, d)
	}
}

// prefix returns under which path a module of urlpatterns is included.
func (f *facts) prefix(module string) string {
	for _, name := range f.sources {
		if !strings.Contains(f.texts[name], module) {
			continue
		}
		for _, m := range djangoRoute.FindAllStringSubmatch(f.texts[name], -1) {
			if in := includeForm.FindStringSubmatch(m[2]); in != nil && in[1] == module {
				return m[1]
			}
		}
	}
	return ""
}

var decorator = regexp.MustCompile(`(?m)^@([\w.]+)`)

// view returns what the decorators of a view in a folder say: its method, and
// the last decorator that is no method.
func (f *facts) view(folder, function string) (method, guard string) {
	form := regexp.MustCompile(`(?m)((?:^@.*\n)*)^(?:async )?def ` + regexp.QuoteMeta(function) + `\(`)
	for _, name := range f.sources {
		if path.Dir(name) != folder || path.Ext(name) != ".py" {
			continue
		}
		m := form.FindStringSubmatch(f.texts[name])
		if m == nil {
			continue
		}
		for _, d := range decorator.FindAllStringSubmatch(m[1], -1) {
			switch d[1] {
			case "require_GET", "require_safe":
				method = "GET"
			case "require_POST":
				method = "POST"
			default:
				guard = d[1]
			}
		}
		return method, guard
	}
	return "", ""
}

// route returns the declaration of a path, by method, nil for none.
func (f *facts) route(method, route string) *declared {
	i := slices.IndexFunc(f.declared, func(d declared) bool {
		return strings.Trim(d.path, "/") == strings.Trim(route, "/") && (d.method == "" || d.method == method)
	})
	if i < 0 {
		return nil
	}
	return &f.declared[i]
}

// where returns where a route stands, "" where there is none.
func (f *facts) where(route string) string {
	if d := f.route("GET", route); d != nil {
		return d.where
	}
	return f.routes[route]
}

// group returns a group of a match, "" where it took no part.
func group(text string, at []int, n int) string {
	if at[2*n] < 0 {
		return ""
	}
	return text[at[2*n]:at[2*n+1]]
}

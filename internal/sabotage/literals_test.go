package sabotage

import (
	"slices"
	"testing"
)

// What stands in literals and comments looks like code here; only the faults
// listed may be offered.
func TestLiteralsAndCommentsAreLeftAlone(t *testing.T) {
	for _, c := range []struct {
		path, source string
		want         []string
	}{
		{"a.js", "function f(a) {\n  return g(`x == 1 && ${ h(`y < 2 }`) } + 3 ' \" `);\n}\n", []string{"{", "g(`x == 1 && ${ h(`y < 2 }`) } + 3 ' \" `)"}},
		{"a.js", "function f(a) {\n  a.b = /[/\"'] == 1 && (x < 2)/g.exec(a); /* 3 == 4 */ // 5 && 6\n}\n", []string{"{"}},
		{"a.js", "function f(a, b, c) {\n  return (a) / b / c;\n}\n", []string{"{", "(a) / b / c"}},
		{"a.js", "function f(a) {\n  if (a) /x == 1/.test(a);\n}\n", []string{"{", "a"}},
		{"a.ts", "function f(a: Array<Map<string, number>>): { b: string } {\n  return a.g<Map<string, number>>(a);\n}\n", []string{"{", "a.g<Map<string, number>>(a)"}},
		{"a.py", "def f(a):\n    \"\"\"x == 1 and y < 2\"\"\"\n    a.b = f'{a == 1} \\' 2' \"\"\"3 < 4\n    return 5\"\"\" r'\\a' # 6 == 7\n", []string{"a"}},
		{"a.py", "@d(1 == 2)\ndef f(a, b=3 < 4):\n    a.b = c\n", []string{"a"}},
		{"A.java", "class A {\n  void f(B<C<D>> a) {\n    B<C<D>> b = a; /* 1 == 2 */\n    char c = '\"'; String d = \"\"\"\n      x == 1 && \"y\" < 2 \\\"\"\" }\n      \"\"\";\n  }\n}\n", []string{"{"}},
	} {
		var got []string
		for _, m := range All(Source{c.path, []byte(c.source)}, func(int) bool { return true }) {
			got = append(got, m.Before)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s\n%s\ngot  %q\nwant %q", c.path, c.source, got, c.want)
		}
	}
}

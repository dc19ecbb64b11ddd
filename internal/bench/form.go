package bench

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// form is a form of a page: where it goes and what it carries unseen.
type form struct {
	action string // path
	hidden [][2]string
}

// formsOf finds the forms of an HTML reply.
func formsOf(reply Reply) []form {
	if !strings.Contains(reply.Header.Get("Content-Type"), "html") {
		return nil
	}
	root, err := html.Parse(strings.NewReader(reply.Body))
	if err != nil {
		return nil
	}
	var forms []form
	for node := range root.Descendants() {
		if node.Type == html.ElementNode && node.Data == "form" {
			forms = append(forms, form{action: actionOf(node, reply.Target), hidden: hiddenOf(node)})
		}
	}
	return forms
}

func actionOf(node *html.Node, page string) string {
	at, err := url.Parse(page)
	if err != nil {
		return page
	}
	to, err := at.Parse(attribute(node, "action"))
	if err != nil {
		return page
	}
	return to.Path
}

func hiddenOf(node *html.Node) [][2]string {
	var fields [][2]string
	for input := range node.Descendants() {
		if input.Type == html.ElementNode && input.Data == "input" && strings.EqualFold(attribute(input, "type"), "hidden") {
			fields = append(fields, [2]string{attribute(input, "name"), attribute(input, "value")})
		}
	}
	return fields
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hidden returns the hidden fields of the last page's form that goes to path.
func (c *Client) hidden(path string) [][2]string {
	path, _, _ = strings.Cut(path, "?")
	for _, f := range c.forms {
		if f.action == path {
			return f.hidden
		}
	}
	return nil
}

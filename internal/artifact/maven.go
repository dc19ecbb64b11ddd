package artifact

import (
	"encoding/xml"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// pom is what of a Maven project decides which versions are fetched
// (maven-4.0.0.xsd).
type pom struct {
	Group      string        `xml:"groupId"`
	Version    string        `xml:"version"`
	Parent     *coordinate   `xml:"parent"`
	Properties properties    `xml:"properties"`
	Direct     []coordinate  `xml:"dependencies>dependency"`
	Managed    []coordinate  `xml:"dependencyManagement>dependencies>dependency"`
	Plugins    []coordinate  `xml:"build>plugins>plugin"`
	Extensions []coordinate  `xml:"build>extensions>extension"`
	Profiles   []pomProfiles `xml:"profiles>profile"`
}

type pomProfiles struct {
	Properties properties   `xml:"properties"`
	Direct     []coordinate `xml:"dependencies>dependency"`
	Plugins    []coordinate `xml:"build>plugins>plugin"`
}

type coordinate struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Scope    string `xml:"scope"`
}

type properties struct {
	All []struct {
		XMLName xml.Name
		Value   string `xml:",chardata"`
	} `xml:",any"`
}

var mavenProperty = regexp.MustCompile(`\$\{([^}]+)\}`)

// mavenPins reports why a pom.xml leaves a version open. Maven has no lock
// file: with every direct version fixed, the versions behind them are fixed by
// the projects that were published under those. A version that is not written
// here comes from a managed list, the parent or an imported one. A module of
// the same build has the commit for its version, whatever it is called.
func mavenPins(t *sourceTree, lock, content string) string {
	var p pom
	if err := xml.Unmarshal([]byte(content), &p); err != nil {
		return "it is not XML: " + err.Error()
	}
	v := mavenVersions{known: p.known(), inherits: p.Parent != nil, managed: map[string]bool{}, imports: p.Parent != nil}
	if p.Parent != nil && !t.has(path.Join(path.Dir(lock), "../pom.xml")) {
		if why := v.open(*p.Parent); why != "" {
			return why
		}
	}
	for _, c := range p.Managed {
		v.managed[c.name()] = true
		v.imports = v.imports || c.Scope == "import"
	}
	for _, c := range p.fetched() {
		if why := v.open(c); why != "" {
			return why
		}
	}
	return ""
}

func (c coordinate) name() string { return c.Group + ":" + c.Artifact }

// known gives the value of each property that a version can refer to.
func (p pom) known() map[string]string {
	known := map[string]string{"project.version": p.Version, "project.groupId": p.Group}
	if p.Parent != nil {
		known["project.parent.version"] = p.Parent.Version
		if p.Version == "" {
			known["project.version"] = p.Parent.Version
		}
		if p.Group == "" {
			known["project.groupId"] = p.Parent.Group
		}
	}
	lists := []properties{p.Properties}
	for _, profile := range p.Profiles {
		lists = append(lists, profile.Properties)
	}
	for _, list := range lists {
		for _, property := range list.All {
			known[property.XMLName.Local] = strings.TrimSpace(property.Value)
		}
	}
	return known
}

// fetched lists what is fetched by a version that this file may give. Of
// plugins only those count that name one: the others come with Maven.
func (p pom) fetched() []coordinate {
	all := slices.Concat(p.Direct, p.Managed, p.Extensions)
	plugins := slices.Clone(p.Plugins)
	for _, profile := range p.Profiles {
		all = append(all, profile.Direct...)
		plugins = append(plugins, profile.Plugins...)
	}
	for _, c := range plugins {
		if c.Version != "" {
			all = append(all, c)
		}
	}
	return all
}

// mavenVersions resolves versions.
type mavenVersions struct {
	known    map[string]string
	managed  map[string]bool // "group:artifact" whose version this file manages
	inherits bool            // there is a parent, which may define further properties
	imports  bool            // the parent or an imported list may manage any version
}

// resolve puts in the values of properties, which may refer to others.
func (v mavenVersions) resolve(text string) string {
	for range 5 {
		text = mavenProperty.ReplaceAllStringFunc(text, func(use string) string {
			if value, ok := v.known[use[2:len(use)-1]]; ok {
				return value
			}
			return use
		})
	}
	return strings.TrimSpace(text)
}

// open says why a coordinate's version is not fixed, "" where it is.
func (v mavenVersions) open(c coordinate) string {
	version := v.resolve(c.Version)
	switch {
	case version == "" && (v.imports || v.managed[c.name()]):
		return ""
	case version == "":
		return c.name() + " has no version"
	case strings.Contains(version, "${"):
		if v.inherits {
			return "" // a property of the parent, whose version is fixed
		}
		return fmt.Sprintf("%s has the version %s, which is not defined", c.name(), version)
	case v.resolve(c.Group) == v.known["project.groupId"] && version == v.resolve("${project.version}"):
		return "" // a module of the same build
	case strings.ContainsAny(version, "[(,"):
		return fmt.Sprintf("%s has a range of versions: %s", c.name(), version)
	case version == "LATEST" || version == "RELEASE" || strings.HasSuffix(version, "-SNAPSHOT"):
		return fmt.Sprintf("%s has a version that moves: %s", c.name(), version)
	}
	return ""
}

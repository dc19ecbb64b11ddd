package standard

import (
	"slices"
	"strings"
)

// origins are words in the names of hosts that programs and packages are
// fetched from: package registries, code hosts, download servers.
var origins = []string{
	"npm", "yarn", "pypi", "pythonhosted", "rubygems", "crates", "packagist", "maven", "gradle", "golang", "nuget", "hex",
	"registry", "registries", "github", "githubusercontent", "gitlab", "bitbucket", "codeberg", "sourceforge", "docker",
	"debian", "ubuntu", "alpine", "packages", "package", "plugins", "plugin", "download", "downloads", "dl", "cdn", "mirror", "mirrors",
	"jsdelivr", "unpkg", "cdnjs",
}

// Origin reports whether a host name is one that programs are fetched from.
// Such a destination is the business of build-run, every other one that is
// not declared of services: one defect makes one requirement fail.
func Origin(host string) bool {
	for label := range strings.FieldsFuncSeq(strings.ToLower(host), func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		if slices.Contains(origins, label) {
			return true
		}
	}
	return false
}
